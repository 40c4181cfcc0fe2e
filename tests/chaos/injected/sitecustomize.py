"""Misbehaviour on demand, for the real worker: Python imports this before anything else where PYTHONPATH names its folder.

In the folder PYTHON_CHAOS a worker finds what it is to do: while there is a file `doomed`, it ends at its start; at a SIGUSR1 it does
what stands in the file named by its pid. Other processes of Sockpanel do nothing of it.
"""

import os
import signal
import subprocess
import sys
import time

CHAOS = os.environ.get("PYTHON_CHAOS", "")
DETACHED = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
with open(sys.argv[1] + ".new", "w") as file: file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
WRITE = 64 * 1024  # bytes at a time
FLOOD = 5.0  # seconds
BEGINS = "/proc/self/comm"  # a worker opens it first of all, forked or spawned


def spin() -> None:
    """Never back to the event loop."""
    while True:
        pass


def deaf() -> None:
    """To SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    note("deaf", "yes")


def escape() -> None:
    """A grandchild in a session of its own."""
    subprocess.Popen([sys.executable, "-S", "-c", DETACHED, os.path.join(CHAOS, "escaped")])


def flood() -> None:
    """Write to stderr as fast as it goes, in a process of its own; the longest time that a write took, and bytes a second."""
    if os.fork():
        return
    longest, written, begun = 0.0, 0, time.monotonic()
    chunk = b"y" * (WRITE - 1) + b"\n"
    while time.monotonic() < begun + FLOOD:
        before = time.monotonic()
        written += os.write(2, chunk)
        longest = max(longest, time.monotonic() - before)
    note("flooded", f"{longest} {written / FLOOD}")
    os._exit(0)


def note(name: str, text: str) -> None:
    path = os.path.join(CHAOS, name)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def heed(*_: object) -> None:
    with open(os.path.join(CHAOS, str(os.getpid()))) as file:
        what = file.read()
    {"spin": spin, "deaf": deaf, "escape": escape, "flood": flood}[what]()


def watch(event: str, words: tuple[object, ...]) -> None:
    """An audit hook (sys.addaudithook)."""
    if event == "open" and words[0] == BEGINS and os.path.exists(os.path.join(CHAOS, "doomed")):
        os._exit(3)


if CHAOS and "services.servers" in sys.orig_argv:
    sys.addaudithook(watch)
    signal.signal(signal.SIGUSR1, heed)
