"""One connection of a stream server: bytes become messages, are recorded and answered. It knows no listener and no link.

Nothing is read while anything stands in the way: a peer that does not take its answers, a store that is behind.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

from services.errors import FrameMalformed, FrameTooLong, SendRefused
from services.servers import clock, framing
from services.servers.replies import Replier, nothing
from services.servers.report import IN, OUT, MessageRow
from services.servers.reporter import Reporter
from services.servers.spec import ServerSpec

AT_ONCE = 500  # messages of one connection (or 2 MiB of answers) that are handled before the others get their turn
UNREAD = 64 * 1024  # bytes that may wait for a peer before its own messages do
LINGER = 2.0  # seconds that a peer has to close after a one-shot answer: closing over its unread bytes would destroy the answer

# Why a connection is not read: its answers are not taken; the store is behind; answers wait for the store; others are next; the end
PEER, STORE, COMMIT, TURN, STOP = 1, 2, 4, 8, 16


class Terms:
    """What all connections of a server share."""

    def __init__(
        self, spec: ServerSpec, reply: Replier, reporter: Reporter, gone: Callable[["Connection"], None]
    ) -> None:
        self.spec = spec
        self.reply = reply
        self.reporter = reporter
        self.gone = gone
        self.loop = asyncio.get_running_loop()
        self.keep = spec.limits.keep_bytes
        self.once = spec.reply.close
        self.after_commit = spec.limits.reply_after_commit
        self.answers_silence = False  # whether a peer that ends its stream without a word has sent an empty message


class Connection(asyncio.Protocol):
    """From the accept to the end, when `terms.gone` is called."""

    _transport: asyncio.Transport

    def __init__(self, terms: Terms, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self._terms = terms
        self._reply = terms.reply
        self._decoder = framing.decoder(terms.spec.framing)
        self._frames: Iterator[bytes] | None = None  # what has come and is not handled
        self._due: tuple[bytes, list[MessageRow]] | None = None  # answers that wait for the store, and their rows
        self._waits = 0
        self._made = self._heard = self._ended = self._over = self._lost = False
        self._why = self._doomed = ""  # why it ends; why it will once its last answer has left
        self._unsent = 0
        self._stall: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._made = True
        self._transport.set_write_buffer_limits(UNREAD, UNREAD // 4)
        self._terms.reporter.opened(self.number, self.peer)
        if self._over:
            self._transport.close()
        elif self._waits:
            self._terms.loop.call_soon(self._transport.pause_reading)  # reading begins only after this method

    def data_received(self, data: bytes) -> None:
        self._frames = self._decoder.frames(data)
        self._turn()

    def eof_received(self) -> bool:
        """The peer sends nothing more. True keeps the connection for an answer that waits."""
        self._ended = True
        if self._terms.answers_silence and not self._heard:
            self._frames = iter((b"",))
            self._turn()
        self._record_rest()
        self._watch()
        return self._due is not None

    def pause_writing(self) -> None:
        self.wait(PEER)
        self._watch()

    def resume_writing(self) -> None:
        self._unwatch()
        self.go_on(PEER)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._unwatch()
        if self._linger is not None:
            self._linger.cancel()
        self._reply = nothing
        while self._frames is not None:
            self._turn()
        self._record_rest()
        self._terms.reporter.closed(self.number, self._why or _why(error))
        self._terms.gone(self)

    # What the server asks

    def wait(self, reason: int) -> None:
        """Read nothing until `go_on` with the same reason."""
        if self._made and not self._waits:
            self._transport.pause_reading()
        self._waits |= reason

    def go_on(self, reason: int) -> None:
        """`reason` no longer stands in the way."""
        self._waits &= ~reason
        if self._waits or not self._made or self._lost or self._transport.is_closing():
            return
        if self._frames is not None:
            self._turn()
        if not self._waits and not self._ended:
            self._transport.resume_reading()

    def send(self, data: bytes, sent_by: str) -> None:
        """Bytes from a person. Raises SendRefused or FrameTooLong."""
        if not self._made or self._over or self._transport.is_closing():
            raise SendRefused(f"Connection {self.number} is opening or closing: choose another one.")
        if self._waits & PEER:
            unsent = self._transport.get_write_buffer_size()
            raise SendRefused(
                f"{self.peer} has left {unsent:,} bytes unread: wait until it reads, or close the connection."
            )
        self._transport.write(self._decoder.wrap(data))
        part = data[: self._terms.spec.limits.keep_bytes]
        self._terms.reporter.messages.append((clock.now(), self.number, self.peer, OUT, part, len(data), sent_by))
        self._terms.reporter.noted(len(part))

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

    # Messages

    def _turn(self) -> None:
        """Record and answer what has come, up to AT_ONCE messages. Every byte passes here: no call that can be spared."""
        terms, reporter, number, peer = self._terms, self._terms.reporter, self.number, self.peer
        keep, at, reply, wrap = terms.keep, clock.now(), self._reply, self._decoder.wrap
        note = reporter.messages.append
        answers: list[MessageRow] = []
        note_answer = answers.append if terms.after_commit else note
        out: list[bytes] = []
        left, total, failure = AT_ONCE, 0, None
        try:
            for data in self._frames or ():
                size = len(data)
                total += size
                note((at, number, peer, IN, data if size <= keep else data[:keep], size, ""))
                answer = reply(data)
                if answer is not None:
                    try:
                        out.append(wrap(answer))
                    except FrameTooLong:
                        reporter.sent_dropped("oversize")
                    else:
                        size = len(answer)
                        total += size
                        left -= size >> 12
                        note_answer((at, number, peer, OUT, answer if size <= keep else answer[:keep], size, ""))
                if terms.once:
                    reply = self._reply = nothing
                left -= 1
                if left <= 0:
                    break
            else:
                self._frames = None
        except (FrameTooLong, FrameMalformed) as error:
            self._frames, failure = None, error
        self._heard = True
        if out:
            self._answer(b"".join(out) if len(out) > 1 else out[0], answers)
        reporter.noted(total)
        if failure is not None or self._frames is not None or terms.once:
            self._after_turn(failure)

    def _answer(self, data: bytes, answers: list[MessageRow]) -> None:
        if self._terms.after_commit:
            self._due = data, answers
            self._terms.reporter.after_commit(self._committed)
            self.wait(COMMIT)
        else:
            self._transport.write(data)

    def _committed(self) -> None:
        """What was asked is stored: answer it."""
        if self._due is None or self._lost or self._transport.is_closing():
            return
        (data, answers), self._due = self._due, None
        self._transport.write(data)
        at = clock.now()
        self._terms.reporter.messages += [(at, *row[1:]) for row in answers]
        self._terms.reporter.noted(len(data))
        self._after_turn(None)
        if self._doomed or self._ended:
            self.close(self._doomed or "closed by the peer")
        self.go_on(COMMIT)

    def _after_turn(self, failure: FrameTooLong | FrameMalformed | None) -> None:
        if self._lost:
            return
        if failure is not None:
            self._fail(failure)
        elif self._reply is nothing and self._terms.once and self._due is None and not self._over:
            self._finish()
        if self._frames is not None and not self._waits:
            self.wait(TURN)
            self._terms.loop.call_soon(self.go_on, TURN)

    def _fail(self, failure: FrameTooLong | FrameMalformed) -> None:
        """The stream makes no sense from here on."""
        reason = "oversize" if isinstance(failure, FrameTooLong) else "malformed"
        self._terms.reporter.dropped(reason, size=len(self._decoder.rest()), connection=self.number)
        if self._due is None:
            self.close(failure.message)
        else:
            self._doomed = failure.message

    def _finish(self) -> None:
        """A one-shot server has answered: send the end of the stream, and leave once the peer has taken it."""
        self._over = True
        self._why = "closed after its answer"
        self._transport.write_eof()
        self._linger = self._terms.loop.call_later(LINGER, self.close, "")

    def _record_rest(self) -> None:
        """What nobody finished is a last message, unanswered; of a length-prefixed one, a part is no message."""
        rest = self._decoder.rest()
        if not rest:
            return
        if self._terms.spec.framing.type == "length":
            self._terms.reporter.dropped("incomplete", size=len(rest), connection=self.number)
            return
        part = rest[: self._terms.keep]
        self._terms.reporter.messages.append((clock.now(), self.number, self.peer, IN, part, len(rest), ""))
        self._terms.reporter.noted(len(part))

    # A peer that does not read

    def _watch(self) -> None:
        """Cut the peer off when what waits for it does not move for limits.write_timeout."""
        self._unsent = self._transport.get_write_buffer_size()
        if self._unsent and self._stall is None:
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
        self._transport.abort()


def _why(error: Exception | None) -> str:
    if error is None:
        return "closed by the peer"
    if isinstance(error, ConnectionError):
        return "reset by the peer"
    return f"lost: {getattr(error, 'strerror', None) or error}"
