"""One command that somebody asked for, from the question to the end. It knows no connection and no protocol."""

import asyncio
import shlex
from collections.abc import Callable
from typing import Protocol

import msgspec

from services.errors import CommandNotStarted, SockpanelError
from services.servers.commands.allowed import Plan
from services.servers.commands.running import Ended, Running


class Order(msgspec.Struct, frozen=True):
    """What somebody asks for."""

    connection: int
    source: str  # ip:port
    command: str  # id of the allow-list, `shell` or `ready`
    argv: tuple[str, ...]
    plan: Callable[[], Plan]  # raises SockpanelError when it may not be run
    key: str = ""
    public: bytes = b""
    who: str = ""

    @property
    def line(self) -> str:
        """As a person would type it."""
        return self.argv[0] if self.command == "shell" else shlex.join(self.argv)


class Customer(Protocol):
    """Who asked."""

    def began(self, job: "Job") -> None:
        """The program runs."""

    def wrote(self, job: "Job", stream: int, data: bytes) -> None:
        """It wrote to stdout (1) or stderr (2)."""

    def ended(self, job: "Job", ended: Ended) -> None:
        """It is over; nothing follows."""

    def failed(self, job: "Job", error: SockpanelError) -> None:
        """It did not run, and will not; nothing follows."""


class Terms(msgspec.Struct, frozen=True):
    """What all jobs of a desk share."""

    loop: asyncio.AbstractEventLoop
    keep: int  # bytes of output that are stored
    close: Callable[["Job", Ended, bytes], None]  # a job is over; the first bytes of its output, or why it did not run


class Job:
    """Begins with `run`, once it is written down. The Customer may be gone before it ends; the desk hears of the end in any case."""

    def __init__(self, terms: Terms, ask: int, order: Order, customer: Customer) -> None:
        self.ask = ask
        self.order = order
        self.is_over = False
        self._terms = terms
        self._customer: Customer | None = customer
        self._running: Running | None = None
        self._is_paused = self._has_begun = False
        self._kept = bytearray()

    def run(self, plan: Plan) -> None:
        """Spawn it, unless it was cancelled meanwhile."""
        if self.is_over:
            return
        try:
            self._running = Running(plan, self._terms.loop, self._wrote, self._ended, self._began)
        except CommandNotStarted as error:
            self.fail(error)
            return
        if self._is_paused:
            self._running.pause()

    def cancel(self, why: str) -> None:
        """End it, with everything that it started; the first reason counts."""
        if self.is_over:
            return
        if self._running is not None:
            self._running.cancel(why)
        else:
            self._ended(Ended(None, None, 0.0, why, 0, 0, False))

    def abandon(self, why: str) -> None:
        """The customer has gone: end it, and tell nobody but the desk."""
        self._customer = None
        self.cancel(why)
        self.resume()

    def pause(self) -> None:
        """Its output is not taken until `resume`."""
        self._is_paused = True
        if self._running is not None and not self.is_over:
            self._running.pause()

    def resume(self) -> None:
        """Its output is taken."""
        self._is_paused = False
        if self._running is not None and not self.is_over:
            self._running.resume()

    def fail(self, error: SockpanelError) -> None:
        """It does not run."""
        if self.is_over:
            return
        self.is_over = True
        self._terms.close(self, Ended(None, None, 0.0, error.message, 0, 0, False), error.message.encode())
        if self._customer is not None:
            self._customer.failed(self, error)

    def _began(self) -> None:
        if self._customer is not None and not self._has_begun:
            self._customer.began(self)
        self._has_begun = True

    def _wrote(self, stream: int, data: bytes) -> None:
        self._began()  # its output may be here before the word that it runs
        room = self._terms.keep - len(self._kept)
        if room > 0:
            self._kept += data[:room]
        if self._customer is not None:
            self._customer.wrote(self, stream, data)

    def _ended(self, ended: Ended) -> None:
        if ended.failure is not None:
            self.fail(ended.failure)
            return
        self.is_over = True
        self._terms.close(self, ended, bytes(self._kept))
        if self._customer is not None:
            self._customer.ended(self, ended)
