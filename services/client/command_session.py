"""A session with a remote-command server over a connection that stands: commands out, their output in. It opens no socket.

The socket is read only as fast as somebody takes the events: what a slow reader has not taken, the server's command must hold back.
The commands of one session share its connection, so one whose output nobody takes holds up the others too.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services import errors
from services.errors import (
    CommandInterrupted,
    CommandsBusy,
    ExchangeFailed,
    ExchangeReset,
    SessionRefused,
    SockpanelError,
)
from services.servers.commands.client_side import REFUSED, ClientSide, Told
from services.servers.commands.handshake import certificate_binding
from services.servers.commands.wire import Exit, Failure, Output, Started, Welcome
from services.servers.redaction import clean_text

HELD_BYTES = 1024 * 1024  # of events that nobody has taken yet; beyond it the socket is not read
MAX_RUNNING = 64  # commands of one session
_EVENT_BYTES = 64  # what an event weighs beside its data
_MESSAGE_CHARACTERS = 1000  # of what a server says
_CLOSE_WITHIN = 1.0  # seconds
_KINDS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SockpanelError) and kind.code.startswith("SP-50")
}
_INTERRUPTED = "The connection ended before the command did, and the server ends what runs then: look at its page, then run it again."

Event = Started | Output | Exit


class Running:
    """One command: `async with session.run(argv=[...]) as running: async for event in running: ...`. Leaving the block cancels it."""

    def __init__(self, session: "Session", number: int, words: tuple[Sequence[str] | None, str | None, str]) -> None:
        self.number = number
        self._session = session
        self._words = words
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._over = False
        self._failure: SockpanelError | None = None

    async def __aenter__(self) -> "Running":
        """Ask for it. Raises CommandsBusy, CommandInterrupted, FrameTooLong or FrameMalformed."""
        self._session.begin(self, *self._words)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()
        self._session.forget(self)
        self._session.taken(*self._events)
        self._events.clear()

    def __aiter__(self) -> "Running":
        return self

    async def __anext__(self) -> Event:
        """Started, Output ..., Exit. Raises the SockpanelError that the server told instead, or CommandInterrupted."""
        while not self._events:
            if self._failure:
                raise self._failure
            if self._over:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        event = self._events.popleft()
        self._session.taken(event)
        return event

    def cancel(self) -> None:
        """Ask the server to end it. Its Exit comes all the same."""
        if not self._over and not self._failure:
            self._session.cancel(self.number)

    def hear(self, event: Event) -> None:
        """The session tells what has come."""
        self._events.append(event)
        self._over = isinstance(event, Exit)
        self._arrived.set()

    def fail(self, failure: SockpanelError) -> None:
        """The session tells that nothing more will come, and why."""
        if not self._over:
            self._failure = failure
            self._arrived.set()


class Session(asyncio.Protocol):
    """One connection to a remote-command server."""

    def __init__(self, private: Ed25519PrivateKey, server_key: bytes | None, where: str) -> None:
        self._private = private
        self._server_key = server_key
        self._where = where
        self._welcomed: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()
        self._lost = asyncio.Event()
        self._failure: SockpanelError | None = None
        self._runs: dict[int, Running] = {}
        self._last = 0
        self._held = 0
        self._paused = False

    @property
    def welcome(self) -> Welcome:
        """What the server offers."""
        return self._welcomed.result()

    @property
    def server_key(self) -> bytes:
        """The server's public key, which it has proven to own."""
        assert self._side.hello  # noqa: S101 - nobody gets a session before
        return self._side.hello.server

    def run(self, argv: Sequence[str] | None = None, shell: str | None = None, who: str = "") -> Running:
        """A command to be run: one that is allowed, or a free command line. `who` is the panel's user, and for the panel alone."""
        self._last += 1
        return Running(self, self._last, (argv, shell, who))

    async def established(self) -> None:
        """Wait for the welcome. Raises SessionRefused, ServerKeyDiffers, FrameMalformed or ExchangeReset."""
        await self._welcomed

    async def close(self) -> None:
        """Leave; whatever runs is ended by the server."""
        self._fail(CommandInterrupted("The session was closed before the command had ended."))
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()
            await self._lost.wait()

    # What a Running asks for

    def begin(self, running: Running, argv: Sequence[str] | None, shell: str | None, who: str) -> None:
        """Ask for a command. Raises CommandsBusy, CommandInterrupted, FrameTooLong or FrameMalformed."""
        if self._failure:
            raise self._failure
        if len(self._runs) >= MAX_RUNNING:
            raise CommandsBusy(
                f"{MAX_RUNNING} commands run in this session already: wait for one, or open another session."
            )
        frame = self._side.run(running.number, argv, shell, who)
        self._runs[running.number] = running
        self._transport.write(frame)

    def cancel(self, number: int) -> None:
        """Ask for a command's end."""
        if number in self._runs and not self._failure:
            self._transport.write(self._side.cancel(number))

    def forget(self, running: Running) -> None:
        """What still comes of it is dropped."""
        self._runs.pop(running.number, None)

    def taken(self, *events: Event) -> None:
        """Somebody has these events now."""
        self._held -= sum(map(_weight, events))
        if self._paused and self._held <= HELD_BYTES // 2 and not self._lost.is_set():
            self._paused = False
            self._transport.resume_reading()

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        tls = transport.get_extra_info("ssl_object")
        binding = certificate_binding(tls.getpeercert(binary_form=True) if tls else None)
        self._side = ClientSide(self._private, self._server_key, binding)

    def data_received(self, data: bytes) -> None:
        if self._failure:
            return
        try:
            for told in self._side.receive(data):
                self._hear(told)
            if waiting := self._side.take():
                self._transport.write(waiting)
        except SockpanelError as error:
            self._fail(error)
            self._transport.abort()
        if self._held > HELD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._fail(self._why_lost())

    def _why_lost(self) -> SockpanelError:
        if self._welcomed.done():
            return CommandInterrupted(_INTERRUPTED)
        if self._side.hello:
            return SessionRefused(REFUSED)
        return ExchangeReset(
            f"{self._where} ended the connection without a word: it takes nobody from here just now, or is no remote-command "
            "server. Try again in a minute, or check the port."
        )

    def _hear(self, told: Told) -> None:
        if isinstance(told, Welcome):
            if not self._welcomed.done():
                self._welcomed.set_result(told)
        elif isinstance(told, Failure):
            self._hear_failure(told)
        elif running := self._runs.get(told.number):
            self._held += _weight(told)
            running.hear(told)
            if isinstance(told, Exit):
                self.forget(running)

    def _hear_failure(self, failure: Failure) -> None:
        error = _error(failure)
        if failure.number == 0:
            self._fail(error)
        elif running := self._runs.pop(failure.number, None):
            running.fail(error)

    def _fail(self, error: SockpanelError) -> None:
        """Nothing more will come. The first reason is the one that is told."""
        self._failure = self._failure or error
        if not self._welcomed.done():
            self._welcomed.set_exception(self._failure)
            self._welcomed.exception()  # somebody who has given up waiting does not ask for it
        for running in self._runs.values():
            running.fail(self._failure)
        self._runs.clear()


def _weight(event: Event) -> int:
    return _EVENT_BYTES + (len(event.data) if isinstance(event, Output) else 0)


def _error(failure: Failure) -> SockpanelError:
    """What the server told, as the error that it is here."""
    message = clean_text(failure.message)[:_MESSAGE_CHARACTERS]  # it is kept in the history of commands
    kind = _KINDS.get(failure.code)
    return kind(message) if kind else ExchangeFailed(f"The server says: {message} ({failure.code[:20]})")
