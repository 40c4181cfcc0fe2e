"""One connection of a remote-command server: signs its client in, takes what it asks for, and sends what becomes of it.

It knows no listener, and not how a command is run.
"""

import asyncio
from collections.abc import Iterator

from services.errors import CommandInterrupted, FrameMalformed, FrameTooLong, SessionRefused, SockpanelError
from services.servers import clock, notices
from services.servers.commands import admission, keys, rights
from services.servers.commands.handshake import NO_BINDING, Refused
from services.servers.commands.house import House
from services.servers.commands.place import Place
from services.servers.commands.server_side import ServerSide
from services.servers.commands.wire import Cancel, Run, Welcome
from services.servers.redaction import UNDERSCORE
from services.servers.report import Key, KeyUsed
from services.servers.stream import Stream
from services.servers.waiting import PEER, RECORD, TURN

UNSENT = 1024 * 1024  # bytes that may wait for a client before its commands must
MOST_UNSENT = 2 * UNSENT  # the same, before nothing more is taken from it
AT_ONCE = 32  # frames of one client that are handled before the others get their turn
TLS_DAWDLES = 0.5  # seconds that TLS may be done after its deadline
LOOK_AGAIN = 60.0  # seconds after which an expiry is looked at anew: the clock may have been set


class Session(Stream):
    """A stranger at first. Ends when its client leaves, its key does not let it in any more, or the server stops."""

    _terms: House
    unread = UNSENT

    def __init__(self, house: House, number: int, peer: str) -> None:
        super().__init__(house, number, peer)
        self.binding = NO_BINDING
        self._address = keys.address_of(peer) or keys.NOWHERE
        self._key: Key | None = None
        self._is_stranger = True  # neither let in nor refused
        self._asked: Iterator[Run | Cancel] | None = None  # what has come and is not handled
        self._places: dict[int, Place] = {}  # by the client's number
        self._alarm = house.loop.call_later(admission.GRACE, self._too_slow)
        house.admission.entered(self._address)

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        house = self._terms
        self._side = ServerSide(house.identity, house, self.peer, self.binding, self._welcome)
        self._write(self._side.greet())

    def data_received(self, data: bytes) -> None:
        if not self._over:
            if self._is_stranger and (UNDERSCORE in data or self._wary is not None):
                self._look_out(data)  # a browser, sent here by a page
            self._asked = self._side.receive(data)
            self._resume()

    def eof_received(self) -> bool:
        """Whoever says nothing more hears nothing more: its commands end."""
        self._ended = True
        return False

    def pause_writing(self) -> None:
        for place in list(self._places.values()):
            place.job.pause()
        self._watch()

    def resume_writing(self) -> None:
        self._unwatch()
        for place in list(self._places.values()):
            place.job.resume()
        self.go_on(PEER)

    def _last(self) -> None:
        self._leave("its connection ended")

    # What the server asks

    def close(self, why: str) -> None:
        self._part(why, CommandInterrupted(f"The server ended the session: {why}."))

    def never_made(self, why: str) -> None:
        """TLS failed, or the server stopped in the midst of it: there was no connection."""
        if self._made:
            return
        reporter = self._terms.reporter
        reporter.opened(self.number, self.peer)
        self._count("refused")
        self._fail()
        reporter.closed(self.number, why)
        self._leave(why)
        self._terms.gone(self)

    def judge_again(self) -> None:
        """The keys have changed, or time has passed."""
        if self._key is None or self._over:
            return
        house = self._terms
        key = house.find(self._key.public)
        why = f"the key {self._key.name} is gone" if key is None else house.objection(key, self.peer)
        if key is None or why:
            self._part(why, SessionRefused(f"The server ended the session: {why}."))
            return
        self._key = key
        for place in list(self._places.values()):
            if not rights.permits(key, place.job.order.command):
                place.job.cancel(f"the key {key.name} is not for it any more")
        self._look_again(key)

    # Signing in

    def _welcome(self, key: Key) -> Welcome:
        return rights.welcome(self._terms.options, key, session=str(self.number))

    def _look_who_is_there(self) -> None:
        if self._is_stranger and self._side.key is not None:
            self._let_in(self._side.key)

    def _let_in(self, key: Key) -> None:
        self._is_stranger = False
        self._key = key
        self._alarm.cancel()
        self._terms.admission.signed_in(self._address)
        self._terms.tell(KeyUsed(key.public, clock.now(), self.peer))
        self._write(self._side.take())
        self._look_again(key)

    def _look_again(self, key: Key) -> None:
        left = self._terms.judge.seconds_left(key)
        if left is not None:
            self._alarm.cancel()
            self._alarm = self._terms.loop.call_later(min(left + 0.001, LOOK_AGAIN), self.judge_again)

    def _too_slow(self) -> None:
        if self._made:
            self._refuse(f"it did not sign in within {admission.GRACE:g} s")
        else:  # TLS has a deadline of its own
            self._alarm = self._terms.loop.call_later(TLS_DAWDLES, self._too_slow)

    def _refuse(self, reason: str) -> None:
        """The reason is for an admin; the client gets the same as everybody."""
        self._count("refused")
        self._write(ServerSide.refusal())
        self._fail()
        self._part(reason)

    def _fail(self) -> None:
        self._is_stranger = False
        if self._terms.admission.failed(self._address):
            notices.tell(f"{keys.host(self.peer)} is kept out for a while: it failed to sign in again and again.")

    # What the client asks for

    def _resume(self) -> None:
        """Handle what has come, up to AT_ONCE frames."""
        left = AT_ONCE
        try:
            while self._asked is not None and not self._over and self._may_go_on(left):
                asked = next(self._asked, None)
                self._look_who_is_there()
                if asked is None:
                    self._asked = None
                    return
                self._do(asked)
                left -= 1
        except Refused as refused:
            self._refuse(refused.reason)
        except (FrameTooLong, FrameMalformed) as error:
            self._look_who_is_there()
            self._give_up(error)

    def _do(self, asked: Run | Cancel) -> None:
        if isinstance(asked, Run):
            self._take(asked)
        elif asked.number in self._places:
            self._places[asked.number].job.cancel("it was cancelled")

    def _take(self, run: Run) -> None:
        house, key = self._terms, self._key
        if key is None:
            return  # nobody asks who has not signed in
        place = self._places[run.number] = Place(run.number, self._side, self._write, self._free)
        order = rights.order(house.options, house.cage, key, run, connection=self.number, source=self.peer)
        place.job = house.desk.take(order, place)
        if self._unsent_bytes() > UNSENT:
            place.job.pause()

    def _free(self, number: int) -> None:
        self._places.pop(number, None)

    def _may_go_on(self, left: int) -> bool:
        """Whether going on fills nothing up; else it waits until that is so."""
        if self._key is not None and self._terms.desk.is_full:
            self.wait(RECORD)
        if self._unsent_bytes() > MOST_UNSENT:
            self.wait(PEER)
        if left <= 0 and not self._waits:
            self.wait(TURN)
            self._terms.loop.call_soon(self.go_on, TURN)
        return not self._waits

    def _give_up(self, error: FrameTooLong | FrameMalformed) -> None:
        """What comes makes no sense from here on."""
        if self._is_stranger:
            self._refuse(error.message)
            return
        self._count("oversize" if isinstance(error, FrameTooLong) else "malformed")
        self._part(error.message, error)

    # Sending

    def _write(self, data: bytes) -> None:
        """Frames, in the order in which they were made."""
        if data and not self._over and not self._lost:
            self._transport.write(data)

    def _unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    # The end

    def _count(self, reason: str) -> None:
        self._terms.reporter.dropped(reason, connection=self.number)

    def _part(self, why: str, error: SockpanelError | None = None) -> None:
        """Say why, where somebody has signed in, and close."""
        if self._made and error is not None and self._key is not None:
            self._write(self._side.failure(0, error))
        super().close(why)
        self._leave(why)

    def _leave(self, why: str) -> None:
        self._alarm.cancel()
        self._asked = None
        if self._is_stranger:
            self._is_stranger = False
            self._terms.admission.left(self._address)
        places, self._places = list(self._places.values()), {}
        for place in places:
            place.job.abandon(why)
