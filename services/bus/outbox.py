"""What one event loop sends to other endpoints: a connected socket for each, and a bounded queue while that one is busy.

Linux holds only about 11 datagrams for a receiver. A connected socket polls unwritable while they wait there, an unconnected one
does not: hence one socket for each peer. Methods are called in the loop, and never wait for a peer.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from services.bus.directory import Directory
from services.bus.parcel import Parcel, transmit
from services.bus.tally import Tally

IDLE_TICKS = 2  # a peer that was not sent to for so many ticks is disconnected: it may have died since

NOBODY = (FileNotFoundError, ConnectionError)  # what the kernel says of a socket that nobody holds any more


class Outcome(Enum):
    """What became of a parcel."""

    SENT = auto()
    WAITS = auto()
    FULL = auto()  # dropped: as many wait as may
    GONE = auto()  # nobody is there any more
    FAILED = auto()  # the kernel would not take it: no descriptors, no memory, no permission


class Peer:
    """One endpoint, as seen by the loop that sends to it."""

    def __init__(self, sock: socket.socket, capacity: int, tally: Tally, done: Callable[[], None]) -> None:
        self._socket, self._capacity, self._tally, self._done = sock, capacity, tally, done
        self._watched = False
        self.waiting: deque[Parcel] = deque()
        self.idle = 0

    def post(self, parcel: Parcel) -> Outcome:
        self.idle = 0
        if self.waiting:
            return self._queue(parcel)
        outcome = self._transmit(parcel)
        if outcome is Outcome.WAITS:
            self.waiting.append(parcel)
            self._watch()
        return outcome

    def _queue(self, parcel: Parcel) -> Outcome:
        if len(self.waiting) >= self._capacity:
            self._merge(parcel)
        if len(self.waiting) >= self._capacity:
            return Outcome.FULL
        self.waiting.append(parcel)
        return Outcome.WAITS

    def _merge(self, parcel: Parcel) -> None:
        """Of those that say the same, only the newest stays: what a reader concludes in the end is unchanged."""
        seen = {parcel.key}
        kept: deque[Parcel] = deque()
        for waiting in reversed(self.waiting):
            if waiting.key is None or waiting.key not in seen:
                kept.appendleft(waiting)
            seen.add(waiting.key)
        self._tally.add("merged", len(self.waiting) - len(kept))
        self.waiting = kept

    def _watch(self) -> None:
        asyncio.get_running_loop().add_writer(self._socket, self._writable)
        self._watched = True

    def _writable(self) -> None:
        while self.waiting:
            outcome = self._transmit(self.waiting[0])
            if outcome is Outcome.WAITS:
                return
            if outcome is Outcome.GONE:
                break
            self.waiting.popleft()
            if outcome is Outcome.FAILED:
                self._tally.add("lost_gone")
        self._rest(asyncio.get_running_loop())
        self._done()

    def _transmit(self, parcel: Parcel) -> Outcome:
        try:
            transmit(self._socket, parcel)
        except BlockingIOError:
            return Outcome.WAITS
        except OSError as error:
            return Outcome.GONE if isinstance(error, NOBODY) or not _connected(self._socket) else Outcome.FAILED
        return Outcome.SENT

    def _rest(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Nothing waits any more; what still did is lost."""
        self._tally.add("lost_gone", len(self.waiting))
        self.waiting.clear()
        if self._watched and loop:
            loop.remove_writer(self._socket)
        self._watched = False

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Close the socket; `loop` is None when the loop is closed."""
        self._rest(loop)
        self._socket.close()


def _connected(sock: socket.socket) -> bool:
    """After the first refusal the kernel disconnects a datagram socket."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


class Outbox:
    """The peers of one event loop. `dead(endpoint)` is called for one whose socket nobody holds any more."""

    def __init__(self, directory: Directory, capacity: int, tally: Tally, dead: Callable[[str], None]) -> None:
        self._directory, self._capacity, self._tally, self._dead = directory, capacity, tally, dead
        self._peers: dict[str, Peer] = {}
        self._emptied: asyncio.Event | None = None

    def post(self, endpoint: str, parcel: Parcel) -> Outcome:
        """Send, or keep until it can be sent."""
        try:
            peer = self._peers.get(endpoint)
            outcome = peer.post(parcel) if peer else Outcome.GONE
            if outcome is Outcome.GONE:
                self._disconnect(endpoint)  # the socket it had has gone: it may have another
                outcome = self._connect(endpoint).post(parcel)
        except NOBODY:
            self._dead(endpoint)
            outcome = Outcome.GONE
        except OSError:
            outcome = Outcome.FAILED
        return outcome

    def _connect(self, endpoint: str) -> Peer:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            self._directory.connect(sock, endpoint)
        except OSError:
            sock.close()
            raise
        self._peers[endpoint] = peer = Peer(sock, self._capacity, self._tally, self._drained)
        return peer

    def _disconnect(self, endpoint: str) -> None:
        if peer := self._peers.pop(endpoint, None):
            peer.close(asyncio.get_running_loop())

    def probe(self, endpoint: str) -> None:
        """Find out whether anybody holds this socket."""
        try:
            self._peers.get(endpoint) or self._connect(endpoint)
        except NOBODY:
            self._dead(endpoint)
        except OSError:
            pass  # cannot be known now

    def tick(self) -> None:
        """Disconnect from the idle."""
        for endpoint, peer in list(self._peers.items()):
            peer.idle += 1
            if peer.idle > IDLE_TICKS and not peer.waiting:
                self._disconnect(endpoint)

    def clear(self) -> None:
        """Forget what waits, for a flush."""
        for peer in self._peers.values():
            peer.waiting.clear()

    async def drain(self, within: float) -> None:
        """Give the busy `within` seconds to take what waits for them."""
        self._emptied = asyncio.Event()
        if not self._waiting():
            return
        try:
            async with asyncio.timeout(within):
                await self._emptied.wait()
        except TimeoutError:
            pass  # it is counted as lost when the peer is closed

    def _drained(self) -> None:
        if self._emptied and not self._waiting():
            self._emptied.set()

    def _waiting(self) -> bool:
        return any(peer.waiting for peer in self._peers.values())

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        while self._peers:
            self._peers.popitem()[1].close(loop)
