"""The cage: a process of its own around one command. It drops everything that the command does not need, and ends all of it.

A script for `python -I -S cage.py CONTROL STATUS`, with the standard library alone; the plan is on its stdin, as marshal writes it.
It stands between the worker, its parent, and the command, its child. The start of every command waits for it: what it does stands in
modules that Python compiles once, and neither json nor signal nor pathlib, which would double the time, is among them.

CONTROL  a byte, or the end of file (the worker is gone): end the command and all its descendants
STATUS   lines to the worker: `started`, or `failed STAGE ERRNO`; then `code N` or `signal N`
"""

import os
import sys

sys.path.append(os.path.abspath(__file__).rsplit("/", 4)[0])  # where our packages are

from services.servers.commands import warden

if __name__ == "__main__":
    warden.main(int(sys.argv[1]), int(sys.argv[2]))
    os._exit(0)  # nothing is left to tidy up, and it takes time
