"""Workers forked from a process that is ready: they are our children, hold nothing of each other, and do without it when it is gone.

What they serve is shown by test_with_real_workers, whose every test runs with a nursery too.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from services.supervisor import nursery as nurseries
from services.supervisor.nursery import Born, Nursery
from services.supervisor.process import Exit, Plan, Process, Spawned, process_start
from services.supervisor.supervisor import COMMAND
from tests.services.supervisor.nursing import bring_up
from tests.waiting import eventually

NO_START = Plan(command=COMMAND, stdin=b"no Start at all")  # a worker that ends at once with EX_USAGE


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with bring_up() as nursery:
        yield nursery


async def exited(process: Process) -> Exit:
    ended = asyncio.Event()
    process.on_exit(asyncio.get_running_loop(), ended.set)
    async with asyncio.timeout(20):
        await ended.wait()
    return process.reap()


async def test_how_a_worker_ended_and_its_last_words_are_told(nursery):
    process = Process(nursery.bear(NO_START))
    words = os.dup(process.stderr)
    assert await exited(process) == Exit(code=os.EX_USAGE, signal=None)
    with os.fdopen(words, "rb") as file:
        assert file.read().startswith(b"A worker is started by the supervisor, with a Start on its stdin:")


async def test_no_zombie_and_no_descriptor_stays(nursery):
    await exited(Process(nursery.bear(NO_START)))
    before = set(os.listdir("/proc/self/fd"))
    process = Process(nursery.bear(NO_START))
    await exited(process)
    assert process_start(process.pid) is None
    assert set(os.listdir("/proc/self/fd")) == before


async def test_a_worker_leads_a_session_of_its_own_and_is_our_child(nursery):
    reading, writing = os.pipe()
    process = Process(nursery.bear(Plan(command=COMMAND, stdin=_start(link=writing), descriptors=(writing,))))
    assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
    assert _parent(process.pid) == os.getpid()
    process.kill()
    assert await exited(process) == Exit(code=None, signal=signal.SIGKILL)
    os.close(reading)
    os.close(writing)


async def test_it_has_its_own_descriptors_under_their_numbers_and_no_others(nursery):
    pipes = [os.pipe() for _ in range(4)]
    numbers = tuple(writing for _, writing in pipes)
    process = Process(nursery.bear(Plan(command=COMMAND, stdin=_start(link=numbers[0]), descriptors=numbers[::-1])))
    ours = {number: os.fstat(number).st_ino for number in numbers}
    theirs = {
        int(name): os.stat(f"/proc/{process.pid}/fd/{name}").st_ino for name in os.listdir(f"/proc/{process.pid}/fd")
    }
    process.kill()
    await exited(process)
    assert {number: theirs.get(number) for number in numbers} == ours
    inherited = set(theirs) - set(numbers) - {0, 1, 2}
    readers = {os.fstat(reading).st_ino for reading, _ in pipes}
    assert readers.isdisjoint(theirs[number] for number in inherited)
    for reading, writing in pipes:
        os.close(reading)
        os.close(writing)


async def test_a_nursery_that_was_killed_is_begun_again_and_the_worker_of_the_moment_is_spawned(nursery, caplog):
    os.kill(nursery.pid, signal.SIGKILL)
    os.waitid(os.P_PID, nursery.pid, os.WEXITED | os.WNOWAIT)
    first = nursery.bear(NO_START)
    assert isinstance(first, Spawned)
    assert "The nursery takes no request" in caplog.text
    await exited(Process(first))
    second = nursery.bear(NO_START)
    assert not isinstance(second, Spawned)
    await exited(Process(second))


async def test_a_nursery_that_hangs_keeps_nobody_waiting_for_long_and_is_replaced(nursery, monkeypatch):
    """Nobody knows whether it forked: the same descriptors must not be given to a second worker."""
    await exited(Process(nursery.bear(NO_START)))
    os.kill(nursery.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient, pytest.raises(OSError, match="did not answer"):
        impatient.setattr(nurseries, "ANSWER_WITHIN", 0.2)
        nursery.bear(NO_START)
    child = nursery.bear(NO_START)
    assert isinstance(child, Born)
    await exited(Process(child))


def test_a_nursery_that_has_died_is_no_zombie_for_long(nursery, caplog):
    dead = nursery.pid
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: nursery.tidy() or process_start(dead) is None)
    assert nursery.pid != dead
    assert "another one begins" in caplog.text


def test_it_leaves_when_the_supervisor_does():
    code = (
        "import os, signal, sys; from services.supervisor.nursery import Nursery;"
        "from services.supervisor.supervisor import COMMAND; nursery = Nursery(COMMAND);"
        "print(nursery.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    pid = int(_output(code))
    eventually(lambda: process_start(pid) is None)


def _output(code: str) -> str:
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    return found.stdout


def _start(link: int) -> bytes:
    return b'{"spec": {"name": "waits"}, "link": %d, "socket": null}' % link


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
