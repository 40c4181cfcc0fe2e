"""The peers of a datagram server: a number for each address, for as many as fit. It sends nothing."""

from collections import OrderedDict
from collections.abc import Callable

from services.servers import addresses
from services.servers.addresses import Raw
from services.servers.standing import Standing

MOST = 10_000


class Peer:
    """Somebody who sent a datagram, or was sent one."""

    __slots__ = ("address", "name", "number", "standing")

    def __init__(self, number: int, name: str, address: Raw) -> None:
        self.number = number
        self.name = name
        self.address = address
        self.standing: Standing | None = None  # the guard's notes on it


NOBODY = Peer(0, "nobody", "\0")  # an address that no socket has


class Peers:
    """Address -> Peer. Beyond MOST the one unheard for longest leaves; `gone` is told."""

    def __init__(self, number: Callable[[str], int], gone: Callable[[Peer], None], most: int = MOST) -> None:
        self._known: OrderedDict[Raw, Peer] = OrderedDict()
        self._number = number
        self._gone = gone
        self._most = most

    def __len__(self) -> int:
        return len(self._known)

    def all(self) -> list[Peer]:
        return list(self._known.values())

    def heard(self, address: Raw) -> Peer | None:
        """Whoever is at `address`, if known: the last one to leave now."""
        peer = self._known.get(address)
        if peer is not None:
            self._known.move_to_end(address)
        return peer

    def meet(self, address: Raw) -> Peer:
        """A new peer."""
        name = addresses.name(address)
        peer = self._known[address] = Peer(self._number(name), name, address)
        if len(self._known) > self._most:
            self._gone(self._known.popitem(last=False)[1])
        return peer

    def by_number(self, number: int) -> Peer | None:
        return next((peer for peer in self._known.values() if peer.number == number), None)
