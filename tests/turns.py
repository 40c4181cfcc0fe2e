"""Three tests run at a time, and no more than two while one of them measures: it is to have a core nearly for itself.

Most tests wait half of their time, so that two of them leave two cores idle. One that looks at a clock, at a process's time or at its
memory keeps the third one waiting, one of milliseconds all others. It knows no test, only what stands in its file.

    os.environ[turns.PLACE] = turns.prepared()      # once, before the workers
    with turn(path):                                # in each worker, around each test
        ...
"""

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PLACE = "TESTS_TURNS"  # in the environment: a folder with a file for the door and for each seat
SEATS = ("first", "second")
CLOCKS = (
    "monotonic()",
    "perf_counter",
    "process_time",
    "thread_time",
    "cpu_times",
    "getrusage",
    ".rss",
    "performance.now",
)
PAUSE = 0.01  # seconds between two looks for a free seat


def prepared() -> str:
    """A new place, which goes with this process."""
    folder = tempfile.mkdtemp(prefix="sp-turns-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def turn(path: Path, *, alone: bool = False) -> Iterator[None]:
    """Begins when a test in this file may run; `alone`: when nobody else does."""
    with _held("door"):  # nobody overtakes whoever waits for a seat
        taken = _all_seats() if alone else _seats(measures(path))
    try:
        yield
    finally:
        for seat in taken:
            fcntl.flock(_file(seat), fcntl.LOCK_UN)


@cache
def measures(path: Path) -> bool:
    """Whether the tests of a file mind how much else goes on."""
    return "chaos" in path.parts or any(clock in path.read_text() for clock in CLOCKS)


def _all_seats() -> list[str]:
    for seat in (*SEATS, "third"):
        fcntl.flock(_file(seat), fcntl.LOCK_EX)
    return [*SEATS, "third"]


def _seats(measured: bool) -> list[str]:
    """One; the third is for those who do not measure, while nobody does."""
    taken = []
    if measured:
        fcntl.flock(_file("third"), fcntl.LOCK_SH)
        taken.append("third")
    while True:
        for seat in SEATS if measured else (*SEATS, "third"):
            try:
                fcntl.flock(_file(seat), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return [*taken, seat]
        time.sleep(PAUSE)


@contextmanager
def _held(name: str) -> Iterator[None]:
    fcntl.flock(_file(name), fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(_file(name), fcntl.LOCK_UN)


@cache
def _file(name: str) -> int:
    """A descriptor, held as long as this process lives."""
    return os.open(Path(os.environ[PLACE]) / name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
