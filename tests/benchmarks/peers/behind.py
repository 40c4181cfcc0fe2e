"""Starts an echo server, then becomes the proxy before it; the echo ends with the proxy.

python behind.py ECHO PORT PROXY ARGUMENT...
"""

import ctypes
import os
import signal
import subprocess
import sys

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


subprocess.Popen(sys.argv[1:3], preexec_fn=die_with_parent)
os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - the benchmark wrote these words
