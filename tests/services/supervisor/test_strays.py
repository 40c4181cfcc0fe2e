"""Whoever escapes from a worker that is gone becomes our child: reaped when it has ended, ended when it stays."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator

import pytest

from services.supervisor import strays
from services.supervisor.process import process_start
from services.supervisor.strays import Strays
from tests.waiting import eventually

# Forks twice, with a session of its own in between; tells the pid of whoever is left
ESCAPE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.close(1); os.close(2)
        time.sleep(%s)
    os._exit(0)
os.wait()
"""


@pytest.fixture
def swept() -> Iterator[Strays]:
    strays.adopt_orphans()
    found = Strays()
    found.known.update(strays._children())  # whatever else these tests have running
    yield found
    ctypes.CDLL(None).prctl(strays._SUBREAPER, ctypes.c_ulong(0), 0, 0, 0)


def escaped(seconds: float) -> int:
    """The pid of a grandchild whose parent is gone."""
    told = subprocess.run([sys.executable, "-c", ESCAPE % seconds], stdout=subprocess.PIPE, text=True, timeout=20)
    return int(told.stdout)


def test_a_stray_that_ends_by_itself_is_reaped(swept):
    pid = escaped(0)
    eventually(lambda: swept.tidy(0.0) or process_start(pid) is None)


def test_a_stray_that_stays_gets_its_leave_and_is_ended_then(swept, caplog):
    pid = escaped(600)
    swept.tidy(100.0)
    swept.tidy(100.0 + strays.LEAVE - 0.1)
    assert process_start(pid) is not None
    swept.tidy(100.0 + strays.LEAVE)
    eventually(lambda: swept.tidy(200.0) or process_start(pid) is None)
    assert f"Process {pid} outlived the worker that it came from" in caplog.text


def test_who_is_known_is_left_alone(swept):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        swept.known.add(child.pid)
        swept.tidy(0.0)
        swept.tidy(10_000.0)
        assert child.poll() is None
        child.kill()


def test_who_is_no_child_any_more_is_forgotten(swept):
    swept.known.add(1)
    swept.tidy(0.0)
    assert 1 not in swept.known
