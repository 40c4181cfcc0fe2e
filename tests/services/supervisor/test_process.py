"""Real child processes: their group and their end."""

import asyncio
import errno
import os
import signal
import sys

import pytest

from services.supervisor import process as processes
from services.supervisor.process import Exit, Process, process_start, signal_name
from services.supervisor.spawned import Plan, Spawned
from tests.services.supervisor.children import exited, output, python


@pytest.mark.parametrize("code", [0, 3, 255])
async def test_an_exit_code_is_told(code):
    assert await exited(python(f"raise SystemExit({code})")) == Exit(code=code, signal=None)


async def test_a_signal_is_told():
    process = python("import os; os.kill(os.getpid(), 11)")
    assert await exited(process) == Exit(code=None, signal=signal.SIGSEGV)


async def test_no_zombie_and_no_descriptor_stays():
    before = set(os.listdir("/proc/self/fd"))
    process = python("")
    await exited(process)
    assert process_start(process.pid) is None
    assert set(os.listdir("/proc/self/fd")) == before


async def test_it_leads_a_group_and_a_session_of_its_own():
    process = python("import os, sys; print(os.getpgrp() == os.getsid(0) == os.getpid(), file=sys.stderr)")
    assert await output(process) == "True\n"


async def test_terminate_asks_the_process():
    code = "signal.signal(15, lambda *_: sys.exit(7)); print('up', file=sys.stderr, flush=True); time.sleep(600)"
    process = python(f"import signal, sys, time; {code}")
    with os.fdopen(os.dup(process.stderr), "rb") as file:
        await asyncio.to_thread(file.readline)
    process.terminate()
    assert await exited(process) == Exit(code=7, signal=None)


@pytest.mark.parametrize("leader", ["time.sleep(600)", "os._exit(0)"])
async def test_the_whole_group_goes_with_its_leader(leader):
    alive, theirs = os.pipe()
    process = python(f"import os, time\nif os.fork() == 0: time.sleep(600)\n{leader}", descriptors=(theirs,))
    os.close(theirs)
    if "sleep" in leader:
        process.kill()
    await exited(process)
    with os.fdopen(alive, "rb") as file:
        assert await asyncio.to_thread(file.read) == b""  # at the end of file nobody holds the other end any more


async def test_terminating_what_has_just_ended_is_no_error():
    process = python("")
    ended = asyncio.Event()
    process.on_exit(asyncio.get_running_loop(), ended.set)
    await ended.wait()
    process.terminate()
    process.kill()
    assert process.reap().code == 0


async def test_a_child_that_cannot_be_held_is_ended(monkeypatch):
    """No descriptor is left to look at it with, for one."""

    def crowded(pid):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    for name, where in (("process_start", processes), ("pidfd_open", os)):
        child = Spawned(Plan(command=(sys.executable, "-c", "import time; time.sleep(600)"), stdin=b""))
        with monkeypatch.context() as full, pytest.raises(OSError, match="Too many open files"):
            full.setattr(where, name, crowded)
            Process(child)
        assert process_start(child.pid) is None


def test_the_start_time_of_a_process_is_that_of_proc():
    assert process_start(os.getpid()) > 0
    assert process_start(2**22 + 1) is None


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (99, "signal 99")])
def test_a_signal_has_a_name(number, name):
    assert signal_name(number) == name
