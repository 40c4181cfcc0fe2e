"""A small parent: keeps child processes alive, each restarted when it dies, and ends them all together. It knows no Django.

    parent = Parent([Child("web", [sys.executable, "manage.py", "web"])])
    signal.signal(signal.SIGTERM, lambda *_: parent.stop())
    code = parent.run()

A child that ends with a code of FINAL cannot be helped by a restart; it has said why, and everything ends with that code. Should the
parent itself be killed, its lifeline tells the children to end.
"""

import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.lifeline import Lifeline

logger = logging.getLogger(__name__)

# Another instance holds what we need; the configuration makes no sense; a service that we need refuses
FINAL = frozenset({os.EX_TEMPFAIL, os.EX_CONFIG, os.EX_UNAVAILABLE})
STOP_WITHIN = 13.0  # seconds that children get to end by themselves
ONE_ASKING = 1.0  # seconds: a shell and its `timeout` may send the same signal twice
FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0  # seconds before a restart; doubles while a child dies soon
STEADY = 3.0  # seconds after which an end counts as the first one again; the supervisor serves after one or two


class Delays:
    """Seconds to wait before each restart of one child."""

    def __init__(self) -> None:
        self._short_lives = 0

    def after(self, lived: float) -> float:
        """The delay after a life of `lived` seconds."""
        self._short_lives = 0 if lived >= STEADY else self._short_lives + 1
        return min(FIRST_DELAY * 2.0 ** max(0, self._short_lives - 1), LONGEST_DELAY)


@dataclass(eq=False)
class Child:
    """A command that is kept running."""

    name: str
    command: Sequence[str]
    pass_fds: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    due: float | None = None  # when to start it again (monotonic)
    began: float = 0.0
    delays: Delays = field(default_factory=Delays)


@dataclass(frozen=True)
class _Ended:
    child: Child
    code: int


class Parent:
    """Runs until `stop`, or until a child ends for good."""

    def __init__(self, children: Sequence[Child], ending: Callable[[], None] = lambda: None) -> None:
        """`ending` is called as soon as everything is to end."""
        self._children, self._ending = children, ending
        self._events: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()  # as many as children and signals
        self._lifeline = Lifeline()
        self._asked_at: float | None = None

    def stop(self) -> None:
        """Ask for the end; once more, and children that still run are killed. Safe in a signal handler."""
        now = time.monotonic()
        if self._asked_at is None or now - self._asked_at >= ONE_ASKING:
            self._asked_at = now
            self._events.put(None)

    def run(self) -> int:
        """The exit code: 0 after `stop`, else that of the child that ended for good."""
        for child in self._children:
            self._start(child)
        try:
            while (code := self._step()) is None:
                self._start_due()
            return code
        finally:
            self._end()

    def _step(self) -> int | None:
        """One event; the exit code when it ends everything."""
        try:
            event = self._events.get(timeout=self._pause())
        except queue.Empty:
            return None
        if event is None:
            return 0
        event.child.process = None
        if event.code in FINAL:
            return event.code
        self._mourn(event.child, event.code)
        return None

    def _mourn(self, child: Child, code: int) -> None:
        now = time.monotonic()
        delay = child.delays.after(now - child.began)
        child.due = now + delay
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        logger.error("The process %s %s: it is started again in %.1f s.", child.name, how, delay)

    def _pause(self) -> float | None:
        """Seconds until a restart is due."""
        dues = [child.due for child in self._children if child.due is not None]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _start_due(self) -> None:
        for child in self._children:
            if child.due is not None and child.due <= time.monotonic():
                self._start(child)

    def _start(self, child: Child) -> None:
        child.due, child.began = None, time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603 (our own commands)
            child.command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **child.environment, **self._lifeline.environment},
            pass_fds=(self._lifeline.descriptor, *child.pass_fds),
            process_group=0,  # a Ctrl-C reaches the parent alone, which ends them in order
        )
        threading.Thread(
            target=self._await, args=(child, child.process), name=f"{child.name} awaited", daemon=True
        ).start()

    def _await(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        self._events.put(_Ended(child, process.wait()))

    def _end(self) -> None:
        """SIGTERM to all, SIGKILL to who has not ended in time."""
        self._ending()
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN
        while any(child.process for child in self._children):
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                event = None
            if event is not None:
                event.child.process = None
                continue
            logger.error("Not every process has ended in time: the rest is killed.")
            self._signal(signal.SIGKILL)
            deadline = time.monotonic() + STOP_WITHIN
        self._lifeline.close()

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.process is not None:
                child.process.send_signal(number)
