"""Sources that misbehave while signing in, and how long each is kept out; after PerSourcePenalties of OpenSSH. It knows no socket.

Each failure adds to a source's penalty. From THRESHOLD on, the source is refused until the penalty is over; a smaller one only counts.

    penalties.add(source, FAILURE)
    penalties.bars(source)
"""

import heapq
import ipaddress
import time
from collections.abc import Callable

from services.servers.commands.keys import Address

FAILURE = 5.0  # seconds for a sign-in that failed or took too long
SILENCE = 1.0  # seconds for a connection that ended without an attempt
THRESHOLD = 15.0
LONGEST = 600.0
MOST = 65_536  # sources known at once

Source = int | tuple[int, int]


class _Penalty:
    __slots__ = ("bars", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.bars = False


class Penalties:
    """By source: an IPv4 address, or an IPv6 network of 64 bits. When there are too many, those that end first are forgiven early."""

    def __init__(self, now: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._now = now
        self._most = most
        self._known: dict[Source, _Penalty] = {}
        self._ends: list[tuple[float, int, Source]] = []  # a heap; entries of penalties that have grown since are stale
        self._entries = 0

    def __len__(self) -> int:
        return len(self._known)

    def add(self, address: Address, seconds: float) -> bool:
        """Another `seconds` for the source of `address`. Whether it is kept out from now on, and was not before."""
        if address.is_loopback:
            return False
        now, source = self._now(), source_of(address)
        self._forgive(now)
        penalty = self._known.get(source)
        if penalty is None:
            penalty = self._known[source] = _Penalty(now)
        penalty.until = min(penalty.until + seconds, now + LONGEST)
        self._push(penalty.until, source)
        self._make_room()
        before, penalty.bars = penalty.bars, penalty.bars or penalty.until - now >= THRESHOLD
        return penalty.bars and not before

    def bars(self, address: Address) -> bool:
        """Whether whoever comes from `address` is refused."""
        if address.is_loopback or not self._known:
            return False
        penalty = self._known.get(source_of(address))
        return penalty is not None and penalty.bars and penalty.until > self._now()

    def _push(self, until: float, source: Source) -> None:
        self._entries += 1
        heapq.heappush(self._ends, (until, self._entries, source))
        if len(self._ends) > 2 * self._most:
            self._ends = [(each.until, number, key) for number, (key, each) in enumerate(self._known.items())]
            heapq.heapify(self._ends)

    def _forgive(self, now: float) -> None:
        """Forget what is over."""
        while self._ends and self._ends[0][0] <= now:
            self._pop()

    def _make_room(self) -> None:
        while len(self._known) > self._most:
            self._pop()

    def _pop(self) -> None:
        until, _, source = heapq.heappop(self._ends)
        penalty = self._known.get(source)
        if penalty is not None and penalty.until <= until:
            del self._known[source]


def source_of(address: Address) -> Source:
    """What is punished: the address, or the network of 64 bits where one customer has as many addresses as he likes."""
    if isinstance(address, ipaddress.IPv4Address):
        return int(address)
    return 6, int(address) >> 64
