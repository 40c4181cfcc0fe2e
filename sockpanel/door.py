"""The panel's port as Twisted serves it: it lets in as many as there are places, and fewer than there are file descriptors.

While there is no place nobody is accepted: people wait in the kernel's queue, and no accept ever fails. It knows no HTTP.
"""

import logging
import math
import resource
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet import tcp

from services.servers import networks
from sockpanel.guests import SLOW, Guests

MOST = 6_000  # connections: every WebSocket there may be, and as many requests as anybody sends
TURNS = 64  # requests that are worked on at a time
RESERVE = 64  # descriptors for everything else: databases, the bus, the log
PER_TURN = 8  # descriptors of a request that is worked on: its thread opens both databases
AT_ONCE = 10  # connections accepted before the next look at what those who are here have sent
LEAVE = 0.5  # seconds for what is still to be sent to somebody who is cut
TOLD_EVERY = 10.0  # seconds between two lines in the log

logger = logging.getLogger(__name__)


class Capacity(NamedTuple):
    """How much a process may take on."""

    connections: int
    turns: int
    slow: int  # answers that wait for their readers


def capacity(descriptors: int) -> Capacity:
    """What goes with so many file descriptors."""
    turns = max(4, min(TURNS, descriptors // 32))
    slow = max(4, min(SLOW, descriptors // 8))
    return Capacity(max(16, min(MOST, descriptors - RESERVE - turns * PER_TURN - slow)), turns, slow)


def own_capacity() -> Capacity:
    """What goes with the limit of this process."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return capacity(MOST * 2 if limit == resource.RLIM_INFINITY else limit)


class Visit(tcp.Server):
    """One accepted connection."""

    def __init__(self, sock: Any, protocol: Any, client: Any, server: "Door", *others: Any) -> None:
        super().__init__(sock, protocol, client, server, *others)
        self.guest = server.guests.arrived(networks.source(networks.host(client)), self._cut)

    def _cut(self) -> None:
        """What was answered already may still leave."""
        self.loseConnection()
        self.reactor.callLater(LEAVE, self.abortConnection)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        self.server.guests.left(self.guest)


class Door(tcp.Port):
    """Opened on a socket that listens already."""

    transport = Visit
    guests: Guests
    _told_at = -TOLD_EVERY
    _told_away = 0
    _is_shut = False

    @classmethod
    def opened(cls, listening: Any, factory: Any, guests: Guests, reactor: Any) -> "Door":
        """A port with a descriptor of its own for the same socket."""
        listening.setblocking(False)
        door: Door = cls._fromListeningDescriptor(reactor, listening.fileno(), listening.family, factory)
        door.guests = guests
        guests.more_room = _both(guests.more_room, door.look)  # there may be several doors
        door.startListening()
        return door

    def doRead(self) -> None:
        """Let in as many as may come now."""
        wait = self.guests.make_way()
        if wait:
            self._shut(wait)
        else:
            self.numberAccepts = max(1, min(AT_ONCE, self.guests.room))
            super().doRead()
        self._tell(is_full=math.isinf(wait))

    def look(self) -> None:
        """Whether to go on."""
        if self._is_shut and self.connected and not self.disconnecting and not self.guests.wait():
            self._is_shut = False
            self.startReading()

    def _shut(self, wait: float) -> None:
        self._is_shut = True
        self.stopReading()
        if math.isfinite(wait):
            self.reactor.callLater(wait, self.look)

    def _tell(self, is_full: bool) -> None:
        away = self.guests.sent_away
        if (not is_full and away == self._told_away) or time.monotonic() - self._told_at < TOLD_EVERY:
            return
        self._told_at = time.monotonic()
        if is_full:
            logger.warning("%d connections are open, as many as the panel takes: others wait.", len(self.guests))
        if away > self._told_away:
            logger.warning("%d connections were cut to make room: they asked for nothing.", away - self._told_away)
        self._told_away = away


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        first()
        second()

    return call
