"""One stream to a peer, from the accept to the end: when it is read, when not, and a peer that does not read. It knows no messages.

Nothing is read while anything stands in the way: a peer that does not take its answers, a store that is behind.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from services.errors import SendRefused
from services.servers import networks, redaction
from services.servers.redaction import Secret
from services.servers.report import TlsFacts
from services.servers.reporter import Reporter
from services.servers.sources import Source
from services.servers.spec import ServerSpec
from services.servers.waiting import PEER
from services.servers.wariness import Wary

UNREAD = 64 * 1024  # bytes that may wait for a peer before its own messages do


class Terms:
    """What all streams of a server share."""

    def __init__(self, spec: ServerSpec, reporter: Reporter, gone: Callable[["Stream"], None]) -> None:
        self.spec = spec
        self.reporter = reporter
        self.gone = gone
        self.loop = asyncio.get_running_loop()


class Stream(asyncio.Protocol):
    """Until `terms.gone` is called. A subclass takes what comes."""

    unread = UNREAD
    host = ""  # its address alone, as networks.host gives it
    source: Source | None = None  # whose limits count for it
    tls: TlsFacts | None = None  # what was agreed on, where it speaks TLS
    _transport: asyncio.Transport
    _wary: Wary | None = None  # while a key of the panel may be among what comes
    _suspects = staticmethod(redaction.may_hold)

    def __init__(self, terms: Terms, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self._terms = terms
        self._waits = 0
        self._made = self._ended = self._over = self._lost = False
        self._why = ""  # why it ends
        self._unsent = 0
        self._stall: asyncio.TimerHandle | None = None

    # What a subclass does

    def _resume(self) -> None:
        """Go on with what has come and was left lying; `wait` may be called meanwhile."""

    def _paused(self) -> None:
        """It is not read from now on: its peer cannot help being late."""

    def _resumed(self) -> None:
        """It is read again."""

    def _last(self) -> None:
        """The stream is gone: finish what has come."""

    def send(self, data: bytes, sent_by: str) -> None:
        """Bytes from a person. Raises SendRefused or FrameTooLong."""
        raise SendRefused(f"{self.peer} understands no bytes but those of its protocol: use a client that speaks it.")

    def _is_behind(self) -> bool:
        """Whether something has come that is not handled."""
        return False

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._made = True
        self._transport.set_write_buffer_limits(self.unread, self.unread // 4)
        self._terms.reporter.opened(self.number, self.peer, self.tls)
        if self._over:
            self._transport.close()
        elif self._waits:
            self._terms.loop.call_soon(self._transport.pause_reading)  # reading begins only after this method

    def pause_writing(self) -> None:
        self.wait(PEER)
        self._watch()

    def resume_writing(self) -> None:
        self._unwatch()
        self.go_on(PEER)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._unwatch()
        self._last()
        self._terms.reporter.closed(self.number, self._why or _why(error))
        self._terms.gone(self)

    def never_made(self, why: str) -> None:
        """It came no further than its handshake."""
        self._lost = True
        self._terms.reporter.opened(self.number, self.peer)
        self._terms.reporter.closed(self.number, why)
        self._terms.gone(self)

    # What the server asks

    def wait(self, reason: int) -> None:
        """Read nothing until `go_on` with the same reason."""
        if self._made and not self._waits:
            self._transport.pause_reading()
            self._paused()
        self._waits |= reason

    def go_on(self, reason: int) -> None:
        """`reason` no longer stands in the way."""
        self._waits &= ~reason
        if self._waits or not self._made or self._lost or self._transport.is_closing():
            return
        self._resume()
        if not self._waits and not self._ended:
            self._transport.resume_reading()
            self._resumed()

    def close(self, why: str) -> None:
        """Hand over what is under way, then close; a peer that does not take it is cut off after limits.write_timeout."""
        self._why = self._why or why
        self._over = True
        if self._made:
            self._transport.close()
            self._watch()

    def abort(self, why: str) -> None:
        """Close at once."""
        self._why = self._why or why
        if self._made:
            self._transport.abort()

    def cut(self, rule: str, why: str) -> None:
        """Close because the peer broke a rule (report.RULES), and tell of it."""
        self._tell(rule, why)
        self.close(why)
        if self._made and rule == "idle" and self._transport.get_write_buffer_size():
            self._transport.abort()  # what is under way has not moved either

    def _tell(self, rule: str, why: str) -> None:
        source = networks.source(self.host)
        self._terms.reporter.incident(rule, source, f"closed {self.host or self.peer}: {why}")

    # What opens the panel

    def overhear(self, data: bytes) -> None:
        """`data` came, and is not for this stream: a browser does not know that the port speaks TLS."""
        if redaction.UNDERSCORE in data:
            self._look_out(data)

    def was_named(self, name: str) -> None:
        """The client asked for a server of this name: whole, and apart from what comes."""
        if "_" in name and (secrets := redaction.search(name.encode("utf-8", "replace"))[1]):
            self._exposed(secrets)

    def _look_out(self, data: bytes) -> None:
        """`data` is about to be handled, and may hold a key of the panel, or the rest of one. Cheap to skip where that cannot be."""
        if self._suspects(data):
            self._wary = self._wary or Wary(self._exposed)
        elif self._wary is not None and self._wary.is_idle and not self._is_behind():
            self._wary = None
        if self._wary is not None:
            self._wary.came(data)

    def _exposed(self, secrets: list[Secret]) -> None:
        reporter = self._terms.reporter
        reporter.exposed(secrets, self.number, self.peer)
        reporter.incident("secret", networks.source(self.host), redaction.told_of(self.host or self.peer))

    # A peer that does not read

    def _watch(self) -> None:
        """Cut the peer off when what waits for it does not move for limits.write_timeout."""
        if self._stall is not None:
            return  # what it has taken since then counts
        self._unsent = self._transport.get_write_buffer_size()
        if self._unsent:
            self._stall = self._terms.loop.call_later(self._terms.spec.limits.write_timeout, self._stalled)

    def _unwatch(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self) -> None:
        self._stall = None
        before, timeout = self._unsent, self._terms.spec.limits.write_timeout
        if self._transport.get_write_buffer_size() < before:
            self._watch()
            return
        self._why = f"it left {before:,} bytes unread for {timeout:g} s"
        self._tell("write", self._why)
        self._transport.abort()


def _why(error: Exception | None) -> str:
    if error is None:
        return "closed by the peer"
    if isinstance(error, ConnectionError):
        return "reset by the peer"
    return f"lost: {getattr(error, 'strerror', None) or error}"
