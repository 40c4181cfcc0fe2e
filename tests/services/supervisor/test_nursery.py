"""Workers forked from a process that is ready: they are our children, hold nothing of each other, and do without it when it is gone.

What they serve is shown by test_with_real_workers, whose every test runs with a nursery too.
"""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import msgspec
import pytest

from services.servers import report, validation
from services.supervisor import nursery as nurseries
from services.supervisor import strays
from services.supervisor.nursery import Born, Nursery
from services.supervisor.process import Exit, Process, process_start
from services.supervisor.spawned import Plan, Spawned
from services.supervisor.supervisor import COMMAND
from tests.services.supervisor.children import exited
from tests.services.supervisor.nursing import bring_up
from tests.waiting import eventually

NO_START = Plan(command=COMMAND, stdin=b"no Start at all")  # a worker that ends at once with EX_USAGE


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with bring_up() as nursery:
        yield nursery


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
    with _sockets() as (link, server):
        process = Process(nursery.bear(Plan(command=COMMAND, stdin=_start(link, server), descriptors=(link, server))))
        assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
        assert _parent(process.pid) == os.getpid()
        process.kill()
        assert await exited(process) == Exit(code=None, signal=signal.SIGKILL)


async def test_it_has_its_own_descriptors_under_their_numbers_and_no_others(nursery):
    pipes = [os.pipe() for _ in range(4)]
    with _sockets() as (link, server):
        numbers = (link, server, *(writing for _, writing in pipes))
        start = _start(link, server)
        process = Process(nursery.bear(Plan(command=COMMAND, stdin=start, descriptors=numbers[::-1])))
        ours = {number: os.fstat(number).st_ino for number in numbers}
        theirs = eventually(lambda: ours.items() <= (held := _inodes(process.pid)).items() and held)
        process.kill()
        await exited(process)
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
    eventually(lambda: nursery.is_ready)
    second = nursery.bear(NO_START)
    assert isinstance(second, Born)
    await exited(Process(second))


async def test_a_nursery_that_hangs_keeps_nobody_waiting_for_long_and_is_replaced(nursery, monkeypatch):
    """Nobody knows whether it forked: the same descriptors must not be given to a second worker."""
    await exited(Process(nursery.bear(NO_START)))
    os.kill(nursery.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient, pytest.raises(OSError, match="did not answer"):
        impatient.setattr(nurseries, "ANSWER_WITHIN", 0.2)
        nursery.bear(NO_START)
    eventually(lambda: nursery.is_ready)
    child = nursery.bear(NO_START)
    assert isinstance(child, Born)
    await exited(Process(child))


async def test_while_a_nursery_imports_workers_are_spawned_and_nobody_waits():
    """However long it takes: it is not begun anew."""
    command = (sys.executable, "-c", "import sys, time; sys.argv[1:] == ['nursery'] and time.sleep(600)")
    with closing(Nursery(command)) as nursery:
        slow = nursery.pid
        before = time.monotonic()
        child = nursery.bear(Plan(command=command, stdin=b""))
        assert time.monotonic() - before < nurseries.ANSWER_WITHIN
        assert isinstance(child, Spawned)
        nursery.tidy()
        assert (nursery.pid, nursery.is_ready) == (slow, False)
        await exited(Process(child))


async def test_the_first_workers_wait_a_moment_for_it_and_no_longer():
    with closing(Nursery(COMMAND)) as nursery:
        await nursery.begun(within=10)
        assert nursery.is_ready
    command = (sys.executable, "-c", "import sys, time; sys.argv[1:] == ['nursery'] and time.sleep(600)")
    with closing(Nursery(command)) as nursery:
        before = time.monotonic()
        await nursery.begun(within=0.05)
        assert 0.05 <= time.monotonic() - before < 1
        assert not nursery.is_ready


async def test_where_no_process_can_be_made_for_a_nursery_it_does_without_and_tries_again(caplog, monkeypatch):
    with closing(Nursery(COMMAND)) as nursery:
        with monkeypatch.context() as crowded:
            crowded.setattr(subprocess, "Popen", refused)
            os.kill(nursery.pid, signal.SIGKILL)
            eventually(lambda: nursery.tidy() or nursery.pid is None)
            nursery.tidy()
            assert "No nursery can be begun ([Errno 11] Resource temporarily unavailable)" in caplog.text
        child = nursery.bear(NO_START)
        assert isinstance(child, Spawned)
        await exited(Process(child))
        nursery.tidy()
        eventually(lambda: nursery.is_ready)


def test_what_goes_wrong_with_strays_is_told_and_ends_nothing(nursery, caplog, monkeypatch):
    def unreadable():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(strays, "_children", unreadable)
    nursery.tidy()
    asyncio.run(nursery.sweep())
    assert caplog.text.count("cannot be looked for now ([Errno 24] Too many open files): look at the limits") == 2


async def test_where_orphans_go_elsewhere_workers_are_spawned(caplog, monkeypatch):
    monkeypatch.setattr(strays, "_SUBREAPER", 9999)  # no option of prctl
    with closing(Nursery(COMMAND)) as nursery:
        assert "The system gives us no orphans" in caplog.text
        child = nursery.bear(NO_START)
        assert isinstance(child, Spawned)
        nursery.tidy()
        assert (nursery.pid, nursery.is_ready) == (None, False)
        await exited(Process(child))


@pytest.mark.parametrize("forked", [True, False])
def test_how_a_worker_ended_is_known_although_our_starter_wants_no_such_news(forked):
    code = f"""
import os
from services.supervisor.nursery import Nursery
from services.supervisor.process import Process
from services.supervisor.spawned import Plan
from services.supervisor.supervisor import COMMAND
from tests.waiting import eventually
nursery = Nursery(COMMAND)
{forked} and eventually(lambda: nursery.is_ready)
process = Process(nursery.bear(Plan(COMMAND, b"no Start at all")))
os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
print(process.reap().code)
"""
    assert _output(code, lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)) == f"{os.EX_USAGE}\n"


def refused(*_words, **_more):
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


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


def _output(code: str, before: Callable[[], object] | None = None) -> str:
    """`before` is done by its starter."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, preexec_fn=before).stdout


@contextmanager
def _sockets() -> Iterator[tuple[int, int]]:
    """What a worker needs to go on living: its end of a link, and a socket to serve."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield theirs.fileno(), server.fileno()


def _start(link: int, server: int) -> bytes:
    spec = validation.build({"name": "waits", "kind": "udp", "transport": "udp", "host": "127.0.0.1", "port": 9})
    return msgspec.json.encode(report.Start(spec=msgspec.to_builtins(spec), link=link, socket=server))


def _inodes(pid: int) -> dict[int, int]:
    """What the descriptors of a process lead to, as far as it has not closed them while we look."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            found[int(name)] = os.stat(f"/proc/{pid}/fd/{name}").st_ino
    return found


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
