"""One connection of a stream server: bytes become messages, are recorded and answered. It knows no listener and no link."""

import asyncio
from collections.abc import Callable, Iterator

from services.errors import FrameMalformed, FrameTooLong, SendRefused
from services.servers import clock, framing, room, stream, vigil
from services.servers.redaction import UNDERSCORE, clean, may_begin
from services.servers.replies import Replier, nothing
from services.servers.report import IN, OUT, MessageRow
from services.servers.reporter import Reporter
from services.servers.room import Room
from services.servers.spec import ServerSpec
from services.servers.stream import Stream
from services.servers.vigil import Vigil
from services.servers.waiting import COMMIT, PEER, ROOM, TURN

AT_ONCE = 500  # messages of one connection (or 2 MiB of answers) that are handled before the others get their turn
LINGER = 2.0  # seconds that a peer has to close after a one-shot answer: closing over its unread bytes would destroy the answer


class Terms(stream.Terms):
    """What all connections of a server share."""

    def __init__(self, spec: ServerSpec, reply: Replier, reporter: Reporter, gone: Callable[[Stream], None]) -> None:
        super().__init__(spec, reporter, gone)
        self.reply = reply
        self.keep = spec.limits.keep_bytes
        self.once = spec.reply.close
        self.after_commit = spec.limits.reply_after_commit
        self.room = Room(spec.framing.max_bytes, self.loop)
        self.is_watched = vigil.is_needed(spec.limits, spec.framing)
        limits = spec.limits
        self.looks = bool(self.once or limits.first_byte_timeout or limits.idle_timeout)  # each turn has an aftermath
        self.answers_silence = False  # whether a peer that ends its stream without a word has sent an empty message


class Connection(Stream):
    """From the accept to the end, when `terms.gone` is called."""

    _terms: Terms
    at_once = AT_ONCE

    def __init__(self, terms: Terms, number: int, peer: str) -> None:
        super().__init__(terms, number, peer)
        self._reply = terms.reply
        self._decoder = framing.decoder(terms.spec.framing)
        self._half = self._decoder.half
        if terms.spec.framing.type == "length":  # prefixes stand between the pieces of a name
            self._suspects = may_begin
        self._frames: Iterator[bytes] | None = None  # what has come and is not handled
        self._due: tuple[bytes, list[MessageRow]] | None = None  # answers that wait for the store, and their rows
        self._heard = False
        self._doomed = ""  # why it will end once its last answer has left
        self._linger: asyncio.TimerHandle | None = None
        self._vigil: Vigil | None = None
        self._held = 0  # bytes of the decoder, as the room knows of them

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._terms.is_watched:
            self._vigil = Vigil(self._terms.spec.limits, self._terms.loop, self)
            if self._waits:
                self._vigil.pause()

    def data_received(self, data: bytes) -> None:
        if UNDERSCORE in data or self._wary is not None:
            self._look_out(data)
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

    def _last(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        if self._vigil is not None:
            self._vigil.end()
        self._reply = nothing
        while self._frames is not None:
            self._turn()
        self._record_rest()
        self._hold(0)
        self._terms.room.leave(self)

    def _paused(self) -> None:
        if self._vigil is not None:
            self._vigil.pause()

    def _resumed(self) -> None:
        if self._vigil is not None:
            self._vigil.resume()

    # What its vigil asks

    def unsent(self) -> int:
        return self._transport.get_write_buffer_size()

    def cut(self, rule: str, why: str) -> None:
        if not self._over and not self._lost:
            super().cut(rule, why)

    # What the server asks

    def send(self, data: bytes, sent_by: str) -> None:
        if not self._made or self._over or self._transport.is_closing():
            raise SendRefused(f"Connection {self.number} is opening or closing: choose another one.")
        if self._waits & PEER:
            unsent = self._transport.get_write_buffer_size()
            raise SendRefused(
                f"{self.peer} has left {unsent:,} bytes unread: wait until it reads, or close the connection."
            )
        self._transport.write(self._decoder.wrap(data))
        if self._vigil is not None:
            self._vigil.went()
        part = clean(data)[: self._terms.keep]
        self._terms.reporter.messages.append((clock.now(), self.number, self.peer, OUT, part, len(data), sent_by))
        self._terms.reporter.noted(len(part))

    def _resume(self) -> None:
        if self._frames is not None:
            self._turn()

    def _is_behind(self) -> bool:
        return self._frames is not None or bool(self._half)

    # Messages

    def _turn(self) -> None:
        """Record and answer what has come, up to AT_ONCE messages. Every byte passes here: no call that can be spared."""
        terms, reporter, number, peer = self._terms, self._terms.reporter, self.number, self.peer
        keep, at, reply, wrap = terms.keep, clock.now(), self._reply, self._decoder.wrap
        note = reporter.messages.append
        answers: list[MessageRow] = []
        note_answer = answers.append if terms.after_commit else note
        if self._wary is not None:
            keep, note, note_answer = self._wary.recording(self._decoder, reply, keep, note, note_answer)
        out: list[bytes] = []
        left, total, failure = self.at_once, 0, None
        try:
            for data in self._frames or ():
                total += (size := len(data))
                note((at, number, peer, IN, data if size <= keep else data[:keep], size, ""))
                answer = reply(data)
                if answer is not None:
                    try:
                        out.append(wrap(answer))
                    except FrameTooLong:
                        reporter.sent_dropped("oversize")
                    else:
                        total += (size := len(answer))
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
        if failure is not None or self._frames is not None or self._half or self._held or terms.looks:
            self._after_turn(failure, left < self.at_once)

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
        self._settle(None)
        if self._doomed or self._ended:
            self.close(self._doomed or "closed by the peer")
        self.go_on(COMMIT)

    def _after_turn(self, failure: FrameTooLong | FrameMalformed | None, is_new: bool) -> None:
        """What a turn leaves behind; what is half a frame now began with what it took when that is new."""
        if self._lost:
            return
        self._settle(failure)
        held = len(self._half)
        if self._vigil is not None:
            self._vigil.came(held > 0 and self._frames is None, is_new)
        if held != self._held or held > room.SMALL:
            self._hold(held)

    def _hold(self, held: int) -> None:
        """So many bytes are held: a large frame that is not complete waits while too many others are read."""
        place = self._terms.room
        place.bytes += held - self._held
        was, self._held = self._held, held
        if held > room.SMALL and place.is_full:
            self.cut("memory", "half frames fill the memory of the server")
        elif held <= room.SMALL or self._frames is not None:  # small, or whole frames that are not handled yet
            if was > room.SMALL:
                place.leave(self)
        elif not place.admits(self):
            self.wait(ROOM)

    def overstays(self) -> bool:
        if self._waits & ~ROOM:
            return False
        self.cut("memory", f"a large frame was not complete after {room.WITHIN:g} s, and others waited for its place")
        return True

    def _settle(self, failure: FrameTooLong | FrameMalformed | None) -> None:
        """The end of the connection, or of its turn."""
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
        part = (rest if self._wary is None else self._wary.heard(rest))[: self._terms.keep]
        self._terms.reporter.messages.append((clock.now(), self.number, self.peer, IN, part, len(rest), ""))
        self._terms.reporter.noted(len(part))
