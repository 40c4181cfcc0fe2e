"""One command that runs: in its cage, its output handed on as it comes, ended with everything that it started.

It knows no protocol and no client. The process that uses it calls `adopt_orphans` once, if commands are all that it ever starts.

    running = Running(plan, loop, output, ended)
    running.cancel("the client asked for it")  # `ended` comes within 2 s
"""

import asyncio
import os
import signal
from collections.abc import Callable

import msgspec

from services.errors import CommandNotStarted
from services.servers.commands import landlock, spawned
from services.servers.commands.allowed import Plan

READ_BYTES = 256 * 1024  # at a time
DISCARDED_BYTES = 64 * 1024 * 1024  # of output that nobody gets, after which the command is ended
CAGE_WITHIN = 1.6  # seconds that the cage may take to end everything
PIPES_WITHIN = 0.2  # seconds that somebody may hold the pipes when all of the command has ended: whom it gave them to
START_WITHIN = 10.0  # seconds until the program runs
STDOUT, STDERR = 1, 2

_FAILED = {  # stage (see cage.py) -> why
    "writable": "its user could put another program in its place: make root the owner of it and of the directories above",
    "root": "it would run as root: set SOCKPANEL_COMMAND_USER to a user other than root",
    "drop": "its user could not be changed to the one of SOCKPANEL_COMMAND_USER",
    "landlock": "its cage could not be closed",
    "seccomp": "its cage could not be closed",
    "prepare": "its limits could not be set",
    "cage": "its cage could not be made",
    "warden": "its cage has ended",
}


class Ended(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int | None
    signal: int | None
    seconds: float
    why: str  # why it did not end by itself; empty when it did
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    failure: CommandNotStarted | None = None  # the program never ran


def landlock_abi() -> int:
    """The kernel's version of Landlock; 0: commands run without it."""
    return landlock.abi()


def adopt_orphans() -> None:
    """For a process whose children are commands, and nothing else: what a cage that was killed leaves behind is ended, too."""
    spawned.adopt_orphans()


class Running:
    """Spawned on creation. `output(stream, data)` gets what it writes, `ended` is called once, after the last output."""

    def __init__(
        self,
        plan: Plan,
        loop: asyncio.AbstractEventLoop,
        output: Callable[[int, bytes], None],
        ended: Callable[[Ended], None],
        started: Callable[[], None] = lambda: None,
    ) -> None:
        """`started` is called once the program runs. Raises CommandNotStarted when the cage cannot be spawned."""
        self._plan, self._loop = plan, loop
        self._output, self._ended, self._started = output, ended, started
        self._began, self._finished = loop.time(), 0.0
        self._written = {STDOUT: 0, STDERR: 0}
        self._sent = 0
        self._paused = self._was_started = self._over = False
        self._why = ""
        self._code: int | None = None
        self._signal: int | None = None
        self._failure: CommandNotStarted | None = None
        try:
            self._cage = spawned.Cage(plan)
        except OSError as error:
            raise CommandNotStarted(f"{plan.program} could not be started: {error.strerror or error}.") from error
        self._pipes = {self._cage.out: STDOUT, self._cage.err: STDERR}
        for descriptor in self._pipes:
            loop.add_reader(descriptor, self._readable, descriptor)
        loop.add_reader(self._cage.status, self._told)
        loop.add_reader(self._cage.pidfd, self._cage_ended)
        self._alarm: asyncio.Handle = loop.call_later(
            START_WITHIN, self.cancel, f"it did not start within {START_WITHIN:g} s"
        )

    def pause(self) -> None:
        """Its output is not read until `resume`: it waits when its pipes are full."""
        if not self._paused:
            self._paused = True
            for descriptor in self._pipes:
                self._loop.remove_reader(descriptor)
            if self._is_empty:
                self._expect_pipes()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            for descriptor in self._pipes:
                self._loop.add_reader(descriptor, self._readable, descriptor)
            if self._is_empty:
                self._expect_pipes()

    def cancel(self, why: str) -> None:
        """End it and all that it started, also while it is paused: what its pipes still hold is handed on. The first reason counts."""
        if self._over or self._why:
            return
        self._why = why
        self._alarm.cancel()
        self._cage.let_go()
        if self._is_empty:
            self._alarm = self._loop.call_soon(self._empty_pipes)
        else:
            self._alarm = self._loop.call_later(CAGE_WITHIN, self._cage.kill)

    # What comes

    def _readable(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._take(self._pipes[descriptor], data)
            return
        self._shut(descriptor)
        self._conclude()

    def _take(self, stream: int, data: bytes) -> None:
        self._written[stream] += len(data)
        room = self._plan.output_bytes - self._sent
        part = data if len(data) <= room else data[: max(room, 0)]
        self._sent += len(part)
        if sum(self._written.values()) - self._sent > DISCARDED_BYTES:
            self.cancel(f"it wrote {DISCARDED_BYTES // 1_048_576} MiB more than is handed on")
        if part:
            self._output(stream, part)

    def _told(self) -> None:
        news = self._cage.news()
        if news is None:
            self._loop.remove_reader(self._cage.status)
            return
        for words in news:
            match words:
                case ["started"]:
                    self._runs()
                case ["failed", stage, number]:
                    self._failure = self._not_started(stage, int(number))
                case ["code", number]:
                    self._code = int(number)
                case ["signal", number]:
                    self._signal = int(number)

    def _runs(self) -> None:
        self._was_started = True
        self._began = self._loop.time()
        if not self._why:
            self._alarm.cancel()
            seconds = self._plan.seconds
            self._alarm = self._loop.call_later(seconds, self.cancel, f"it took longer than {seconds:g} s")
        self._started()

    def _not_started(self, stage: str, number: int) -> CommandNotStarted:
        error = os.strerror(number) if number else ""
        reason = f"{_FAILED[stage]} ({error})" if stage in _FAILED and error else _FAILED.get(stage) or error or stage
        return CommandNotStarted(f"{self._plan.program} could not be started: {reason}.")

    # The end

    @property
    def _is_empty(self) -> bool:
        """Whether nobody is left of the command and its cage."""
        return self._cage.pidfd < 0

    def _cage_ended(self) -> None:
        self._loop.remove_reader(self._cage.pidfd)
        self._told()
        self._cage.reap()
        self._finished = self._loop.time()
        if self._code is None and self._signal is None:
            self._signal = int(signal.SIGKILL)
            if not (self._was_started or self._why or self._failure):
                self._failure = self._not_started("cage", 0)
        if self._why:
            self._empty_pipes()
        else:
            self._expect_pipes()

    def _expect_pipes(self) -> None:
        """All of it has ended, so the pipes end once they are read; whoever paused it may resume it as long as it might have run."""
        if self._over or self._why:
            return
        now = self._loop.time()
        until = self._began + self._plan.seconds if self._paused else now
        self._alarm.cancel()
        self._alarm = self._loop.call_at(max(until, now + PIPES_WITHIN), self._empty_pipes)
        self._conclude()

    def _empty_pipes(self) -> None:
        """Hand on what they hold and wait for no more."""
        for descriptor in list(self._pipes):
            while data := _read(descriptor):
                self._take(self._pipes[descriptor], data)
            self._shut(descriptor)
        self._conclude()

    def _conclude(self) -> None:
        if self._over or not self._is_empty or self._pipes:
            return
        self._over = True
        self._alarm.cancel()
        self._cage.let_go()
        self._loop.remove_reader(self._cage.status)
        os.close(self._cage.status)
        self._ended(
            Ended(
                code=self._code,
                signal=self._signal,
                seconds=self._finished - self._began,
                why=self._why or self._limit_reached(),
                stdout_bytes=self._written[STDOUT],
                stderr_bytes=self._written[STDERR],
                truncated=sum(self._written.values()) > self._sent,
                failure=self._failure,
            )
        )

    def _limit_reached(self) -> str:
        if self._signal == signal.SIGXCPU:
            return f"it used more than {self._plan.seconds:g} s of processor time"
        if self._signal == signal.SIGXFSZ:
            return f"it wrote more than {self._plan.file_bytes // 1_048_576} MiB to a file"
        return ""

    def _shut(self, descriptor: int) -> None:
        if descriptor in self._pipes:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
            del self._pipes[descriptor]


def _read(pipe: int) -> bytes:
    """Empty at its end, and when there is nothing now."""
    try:
        return os.read(pipe, READ_BYTES)
    except BlockingIOError:
        return b""
