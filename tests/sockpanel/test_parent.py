"""The small parent: restarts what dies, ends everything together, and is survived by nobody."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from sockpanel import parent
from sockpanel.parent import Child, Delays, Parent
from tests.waiting import eventually

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LIVES = "from services import lifeline; lifeline.follow(); import threading; threading.Event().wait()"
STUBBORN = "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); threading.Event().wait()"
KEEPS = f"""
import sys
from sockpanel.parent import Child, Parent
parent = Parent([Child("one", [sys.executable, "-c", {LIVES!r}]), Child("two", [sys.executable, "-c", {LIVES!r}])])
parent.run()
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_delays_double_while_a_child_dies_soon_and_start_anew_after_a_steady_life():
    delays = Delays()
    assert [round(delays.after(lived), 1) for lived in (1, 1, 1, 2.9)] == [0.2, 0.4, 0.8, 1.6]
    assert delays.after(3.0) == 0.2
    assert [delays.after(0.0) for _ in range(20)][-1] == 30.0


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch):
    """Runs a parent in a thread; the fixture's value starts one and gives it, its thread and its exit code."""
    monkeypatch.chdir(CHECKOUT)
    begun: list[tuple[Parent, threading.Thread]] = []

    def start(*children: Child) -> tuple[Parent, threading.Thread, list[int]]:
        made, codes = Parent(children), list[int]()
        thread = threading.Thread(target=lambda: codes.append(made.run()))
        thread.start()
        begun.append((made, thread))
        return made, thread, codes

    yield start
    for made, thread in begun:
        made.stop()
        thread.join(30)


def pid(child: Child) -> int:
    return eventually(lambda: child.process is not None and child.process.pid)


def test_a_child_that_is_killed_is_started_again(running):
    child = Child("one", python(LIVES))
    running(child)
    first = pid(child)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: child.process is not None and child.process.pid != first)


def test_a_stop_ends_every_child_and_is_no_failure(running):
    children = [Child("one", python(LIVES)), Child("two", python(LIVES))]
    made, thread, codes = running(*children)
    pids = [pid(child) for child in children]
    made.stop()
    thread.join(20)
    assert codes == [0]
    assert not any(psutil.pid_exists(number) for number in pids)


@pytest.mark.parametrize("code", [os.EX_TEMPFAIL, os.EX_CONFIG, os.EX_UNAVAILABLE])
def test_an_end_that_no_restart_can_help_ends_everything_with_its_code(running, code: int):
    other = Child("other", python(LIVES))
    _, thread, codes = running(other, Child("one", python(f"raise SystemExit({code})")))
    thread.join(20)
    assert codes == [code]
    assert other.process is None


def test_a_child_that_does_not_heed_the_stop_is_killed(running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parent, "STOP_WITHIN", 0.2)
    child = Child("stubborn", python(STUBBORN))
    made, thread, codes = running(child)
    pid(child)
    made.stop()
    thread.join(20)
    assert codes == [0]


def test_the_same_signal_twice_at_once_is_one_stop(running, monkeypatch: pytest.MonkeyPatch):
    made = Parent([])
    made.stop()
    made.stop()
    assert made._events.qsize() == 1
    monkeypatch.setattr(parent, "ONE_ASKING", 0.0)
    made.stop()
    assert made._events.qsize() == 2


def test_when_the_parent_is_killed_the_children_end():
    process = subprocess.Popen(python(KEEPS), cwd=CHECKOUT)
    children = eventually(lambda: len(found := psutil.Process(process.pid).children()) == 2 and found)
    eventually(lambda: all("lifeline" in thread_names(child.pid) for child in children))
    process.kill()
    process.wait(10)
    assert psutil.wait_procs(children, timeout=10)[1] == []


def thread_names(number: int) -> str:
    """A child follows its lifeline in a thread of its own; a process has two of them then."""
    return "lifeline" if psutil.Process(number).num_threads() > 1 else ""
