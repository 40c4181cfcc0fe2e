"""What waits in the process-specific channels of one event loop: in memory, bounded, in order. No I/O.

A message sent to one channel counts towards the capacity of the part of the name up to `!`, which all channels of that prefix
share, as the specification asks. The copies of a message to a group count towards each member's channel alone: otherwise a group
with more members than the capacity could never be reached.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.bus.names import non_local

MAX_BYTES = 64 * 1024 * 1024  # for all channels of the loop together; beyond it every channel is full


@dataclass(slots=True, eq=False)
class Held:
    """A message that waits in `copies` channels. `sent` in nanoseconds; `number` orders the channels of a prefix."""

    payload: bytes
    sent: int
    number: int
    direct: bool
    copies: int = 0


class Mailbox:
    """The queues. `capacity(channel)` in messages, `expiry` in nanoseconds.

    `expired(count)` and `full(prefix, is_full)` are called when messages expire, and when a prefix becomes full or is no longer.
    """

    def __init__(
        self,
        capacity: Callable[[str], int],
        expiry: int,
        expired: Callable[[int], None],
        full: Callable[[str, bool], None],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._capacity, self._expiry, self._expired, self._tell_full = capacity, expiry, expired, full
        self._clock = clock
        self._queues: dict[str, deque[Held]] = {}
        self._direct: Counter[str] = Counter()
        self._full: set[str] = set()
        self._bytes = 0
        self._number = 0

    def put(self, channel: str, payload: bytes, sent: int) -> bool:
        """A message to one channel; False when it is full."""
        prefix = non_local(channel)
        if self._over(channel) or self._direct[prefix] >= self._capacity(channel):
            self.expire()
        if self._over(channel) or self._direct[prefix] >= self._capacity(channel):
            return False
        self._append(self._held(payload, sent, direct=True), channel)
        self._direct[prefix] += 1
        self._note_full(channel)
        return True

    def put_copies(self, channels: Iterable[str], payload: bytes, sent: int) -> list[str]:
        """A message to the members of a group; returns the channels that are full and did not get it."""
        held, refused = self._held(payload, sent, direct=False), []
        for channel in channels:
            if self._over(channel):
                self.expire()
            if self._over(channel):
                refused.append(channel)
            else:
                self._append(held, channel)
        return refused

    def take(self, channel: str) -> tuple[str, bytes] | None:
        """The oldest message and the channel it was sent to; None when nothing waits. `x!` stands for all that begin so."""
        names = [channel]
        if channel.endswith("!"):
            names = [name for name in self._queues if name.startswith(channel)]
        self._drop_old(names)
        waiting = [name for name in names if name in self._queues]
        if not waiting:
            return None
        channel = min(waiting, key=lambda name: self._queues[name][0].number)
        return channel, self._pop(channel).payload

    def expire(self) -> None:
        """Drop what waited for too long."""
        self._drop_old(list(self._queues))

    def _drop_old(self, channels: list[str]) -> None:
        oldest = self._clock() - self._expiry
        count = 0
        for channel in channels:
            while channel in self._queues and self._queues[channel][0].sent < oldest:
                self._pop(channel)
                count += 1
        if count:
            self._expired(count)

    def clear(self) -> None:
        for channel in list(self._queues):
            while channel in self._queues:
                self._pop(channel)

    def __len__(self) -> int:
        """How many channels have something waiting."""
        return len(self._queues)

    def _held(self, payload: bytes, sent: int, *, direct: bool) -> Held:
        self._number += 1
        return Held(payload, min(sent, self._clock()), self._number, direct)

    def _over(self, channel: str) -> bool:
        return self._bytes >= MAX_BYTES or len(self._queues.get(channel, ())) >= self._capacity(channel)

    def _append(self, held: Held, channel: str) -> None:
        self._queues.setdefault(channel, deque()).append(held)
        self._bytes += 0 if held.copies else len(held.payload)
        held.copies += 1

    def _pop(self, channel: str) -> Held:
        queue = self._queues[channel]
        held = queue.popleft()
        if not queue:
            del self._queues[channel]
        held.copies -= 1
        self._bytes -= 0 if held.copies else len(held.payload)
        if held.direct:
            self._direct[non_local(channel)] -= 1
            self._note_full(channel)
        return held

    def _note_full(self, channel: str) -> None:
        prefix = non_local(channel)
        full = self._direct[prefix] >= self._capacity(channel)
        self._direct += Counter()  # forgets those at zero
        if full != (prefix in self._full):
            self._full.symmetric_difference_update({prefix})
            self._tell_full(prefix, full)
