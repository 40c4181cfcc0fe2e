"""Whoever escapes from a worker becomes our child: reaped once it has ended, ended when it stays. Others are left alone."""

import ctypes
import errno
import itertools
import os
import subprocess
import sys
import time
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
        %s
    os._exit(0)
os.wait()
"""
STAYS = "time.sleep(600)"
# Is another process every few milliseconds, for some seconds, and holds its stdin open whichever it is
HOPS = "for _ in range(1000): os.fork() and os._exit(0); time.sleep(0.003)"


@pytest.fixture
def orphans() -> Iterator[None]:
    """This process adopts them."""
    strays.adopt_orphans()
    yield
    ctypes.CDLL(None).prctl(strays._SUBREAPER, ctypes.c_ulong(0), 0, 0, 0)


@pytest.fixture
def swept(orphans: None, monkeypatch: pytest.MonkeyPatch) -> Strays:
    """Made when there was no child yet."""
    with monkeypatch.context() as alone:
        alone.setattr(strays, "_children", list)
        found = Strays()
    found.known.update(strays._children())  # whatever else these tests have running
    return found


def escaped(what: str, stdin: int = subprocess.DEVNULL) -> int:
    """The pid of a grandchild whose parent is gone."""
    command = [sys.executable, "-c", ESCAPE % what]
    told = subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, text=True, timeout=20)
    return int(told.stdout)


def idle() -> subprocess.Popen[bytes]:
    """Some child."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


def test_a_stray_that_ends_by_itself_is_reaped(swept):
    pid = escaped("pass")
    eventually(lambda: swept.tidy(0.0) or process_start(pid) is None)


def test_a_stray_that_stays_gets_its_leave_and_is_ended_then(swept, caplog):
    pid = escaped(STAYS)
    swept.tidy(100.0)
    swept.tidy(100.0 + strays.LEAVE - 0.1)
    assert process_start(pid) is not None
    swept.tidy(100.0 + strays.LEAVE)
    eventually(lambda: swept.tidy(200.0) or process_start(pid) is None)
    assert f"Processes that outlived the worker that they came from are ended: [{pid}]." in caplog.text


def test_a_stray_that_is_another_process_at_each_look_gains_no_time(swept):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb"):
        first = escaped(HOPS, stdin=reading)
        os.close(reading)
        looks = itertools.count(100.0, strays.LEAVE)
        swept.tidy(next(looks))
        eventually(lambda: first not in strays._children())
        with pytest.raises(BrokenPipeError):  # nobody of them is left to read
            eventually(lambda: swept.tidy(next(looks)) or os.write(writing, b"x") == 0, within=2)


def test_the_leave_of_strays_that_have_gone_is_not_that_of_others(swept):
    first = escaped(STAYS)
    swept.tidy(100.0)
    os.kill(first, 9)
    eventually(lambda: swept.tidy(100.0) or process_start(first) is None)
    swept.tidy(100.0)  # nobody is found
    second = escaped(STAYS)
    swept.tidy(100.0 + strays.LEAVE)
    assert process_start(second) is not None
    swept.tidy(100.0 + 2 * strays.LEAVE)
    eventually(lambda: swept.tidy(300.0) or process_start(second) is None)


def test_who_is_known_is_left_alone(swept):
    with idle() as child:
        swept.known.add(child.pid)
        swept.tidy(0.0)
        swept.tidy(10_000.0)
        assert child.poll() is None
        child.kill()


def test_who_is_known_stays_so_although_the_kernel_leaves_it_out_of_a_list(swept, monkeypatch):
    with idle() as child:
        swept.known.add(child.pid)
        with monkeypatch.context() as hasty:
            hasty.setattr(strays, "_children", list)
            swept.tidy(0.0)
        swept.tidy(1.0)
        swept.tidy(10_000.0)
        assert child.poll() is None
        child.kill()


def test_who_is_no_child_any_more_is_forgotten(swept):
    swept.known.add(1)
    swept.tidy(0.0)
    assert 1 not in swept.known


def test_children_that_were_here_before_us_and_theirs_are_left_alone(orphans):
    with idle() as child:
        found = Strays()
        orphan = escaped(STAYS)  # of that child, for all that can be known
        found.tidy(0.0)
        found.tidy(10_000.0)
        assert child.poll() is None
        assert process_start(orphan) is not None
        os.kill(orphan, 9)
        eventually(lambda: found.tidy(20_000.0) or process_start(orphan) is None)
        child.kill()


def test_as_process_1_whose_orphans_are_everybodys_it_reaps_and_ends_nobody(swept, monkeypatch):
    with monkeypatch.context() as container:
        container.setattr(os, "getpid", lambda: 1)
        container.setattr(strays, "_children", list)
        found = Strays()
    found.known |= swept.known
    orphan = escaped(STAYS)
    found.tidy(0.0)
    found.tidy(10_000.0)
    assert process_start(orphan) is not None
    os.kill(orphan, 9)
    eventually(lambda: found.tidy(20_000.0) or process_start(orphan) is None)


async def test_at_the_end_strays_get_a_short_leave(swept, monkeypatch):
    monkeypatch.setattr(strays, "LAST_LEAVE", 0.1)
    with idle() as child:
        swept.known.add(child.pid)
        brief, stubborn = escaped("time.sleep(0.05)"), escaped(STAYS)
        await swept.sweep()
        assert [process_start(brief), process_start(stubborn)] == [None, None]
        assert child.poll() is None
        child.kill()


async def test_at_the_end_nobody_waits_where_there_is_no_stray(swept):
    before = time.monotonic()
    await swept.sweep()
    assert time.monotonic() - before < strays.LAST_LEAVE / 2


def test_a_system_that_gives_no_orphans_says_so(monkeypatch):
    monkeypatch.setattr(strays, "_SUBREAPER", 9999)  # no option of prctl
    with pytest.raises(OSError) as refused:
        strays.adopt_orphans()
    assert refused.value.errno == errno.EINVAL
