"""Who is connected to the panel, and whom it can do without when there are too many. It knows no network.

A guest asks (his request is not here in whole), is served (an answer, a WebSocket), is slow (his answer waits for him to take more of
it), or rests (kept open for the next request). Who is served is never sent away. Only so many may ask, or be slow, at a time: then one
goes, the longest there of the address that has most of them: a crowd from one address takes nobody else's place. Who asks has a
GRACE; until somebody has had his, nobody else is let in.

    if guests.make_way() == 0:
        guest = guests.arrived("192.0.2.1", cut=transport.abortConnection)
    guests.is_served(guest); guests.rests(guest); guests.asks(guest); guests.left(guest)
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping

ASKING = 100  # guests whose request is not here in whole
SLOW = 100  # guests that leave an answer waiting: a file costs a thread, a descriptor and its length in memory
GRACE = 0.25  # seconds that each of them has at least
HELD = 32 * 1024 * 1024  # bytes of bodies of requests, in all


class Guest:
    """One connection."""

    __slots__ = ("cut", "held", "source")

    def __init__(self, source: str, cut: Callable[[], None]) -> None:
        self.source, self.cut = source, cut
        self.held = 0  # bytes of the body of his request


class Guests:
    """All of them, at most `most`. `clock` is monotonic."""

    def __init__(
        self,
        most: int,
        asking: int = ASKING,
        slow: int = SLOW,
        held: int = HELD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._most_asking, self._most_slow, self._most_held = most, asking, slow, held
        self._clock = clock
        self._all: set[Guest] = set()
        self._asking: dict[Guest, float] = {}  # since when; who has asked longest comes first
        self._slow: dict[Guest, float] = {}  # in the same order
        self._resting: dict[Guest, None] = {}  # in the same order
        self._leaving: set[Guest] = set()
        self._held = 0
        self.sent_away = 0  # so many were cut
        self.more_room: Callable[[], None] = lambda: None  # called when somebody else may come perhaps

    def __len__(self) -> int:
        return len(self._all)

    @property
    def room(self) -> int:
        """How many more may come."""
        return max(0, min(self._most - len(self._all), self._most_asking - len(self._asking)))

    def wait(self) -> float:
        """Seconds until the next one may come: 0 for now, infinity for when somebody has left."""
        if len(self._all) >= self._most:
            if self._leaving or not (self._asking or self._resting):
                return math.inf
            return 0.0 if self._resting else self._rest_of_grace()
        return 0.0 if len(self._asking) < self._most_asking else self._rest_of_grace()

    def make_way(self) -> float:
        """The same for somebody who is at the door: where every place is taken, one who may go is sent away."""
        wait = self.wait()
        if wait or len(self._all) < self._most:
            return wait
        self._send_away(next(iter(self._resting)) if self._resting else _least_missed(self._asking))
        return math.inf

    def arrived(self, source: str, cut: Callable[[], None]) -> Guest:
        """Someone is here; `cut` ends his connection, and `left` is called for it soon afterwards."""
        guest = Guest(source, cut)
        self._all.add(guest)
        self.asks(guest)
        return guest

    def left(self, guest: Guest) -> None:
        self._all.discard(guest)
        self._leaving.discard(guest)
        self._forget(guest)
        self.more_room()

    def asks(self, guest: Guest) -> None:
        """A request of his has begun."""
        if len(self._asking) >= self._most_asking:
            self._send_away(_least_missed(self._asking))
        self._forget(guest)
        self._asking[guest] = self._clock()

    def holds(self, guest: Guest, size: int) -> None:
        """So much more of his request's body is here."""
        guest.held += size
        self._held += size
        if self._held > self._most_held and self._asking:
            self._send_away(max(self._asking, key=lambda each: each.held))

    def is_served(self, guest: Guest) -> None:
        """His request is here in whole; or what waited for him, he has taken."""
        self._asking.pop(guest, None)
        self._slow.pop(guest, None)
        self.more_room()

    def is_slow(self, guest: Guest) -> None:
        """What is sent to him has to wait."""
        if guest not in self._all or guest in self._leaving:
            return
        self._slow.setdefault(guest, self._clock())
        if len(self._slow) > self._most_slow:
            self._send_away(_least_missed(self._slow))

    def rests(self, guest: Guest) -> None:
        """He was answered, and may ask again."""
        self._forget(guest)
        self._resting[guest] = None

    def _rest_of_grace(self) -> float:
        return max(0.0, self._asking[_least_missed(self._asking)] + GRACE - self._clock())

    def _send_away(self, guest: Guest) -> None:
        """He counts until he has left, but is chosen only once."""
        self._forget(guest)
        self._leaving.add(guest)
        self.sent_away += 1
        guest.cut()

    def _forget(self, guest: Guest) -> None:
        self._asking.pop(guest, None)
        self._slow.pop(guest, None)
        self._resting.pop(guest, None)
        self._held -= guest.held
        guest.held = 0


def _least_missed(guests: Mapping[Guest, float]) -> Guest:
    most = Counter(guest.source for guest in guests).most_common(1)[0][0]
    return next(guest for guest in guests if guest.source == most)
