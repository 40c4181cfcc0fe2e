"""Flow control of one WebSocket: what it has been sent and has not acknowledged. It knows no socket, no database and no clock.

Nothing below us holds a sender back, so this is all there is between a slow browser and the memory of the process.
"""

from collections import deque

BATCHES = 4  # unacknowledged batches of messages
BYTES = 1024 * 1024  # unacknowledged bytes of any sort
STALL = 30.0  # seconds that a full window may go without an acknowledgement


class Window:
    """Times are seconds of one monotonic clock, given by the caller."""

    def __init__(self) -> None:
        self._batches: deque[tuple[int, int]] = deque()  # last seq, size
        self._batch_bytes = 0
        self._other_bytes = 0
        self._wanted = 1  # bytes of the batch that is to be sent next
        self._full_since: float | None = None

    @property
    def full(self) -> bool:
        """Whether nothing more may be sent until an acknowledgement comes."""
        return self.room == 0

    @property
    def room(self) -> int:
        """How many batches may be sent now."""
        sent = self._batch_bytes + self._other_bytes
        if sent >= BYTES or (self._batches and sent + self._wanted > BYTES):
            return 0
        return BATCHES - len(self._batches)

    def takes(self, size: int, now: float) -> bool:
        """Whether a batch of so many bytes may be sent now; if not, it is full until it may. A single one may be longer than BYTES."""
        self._wanted = size
        self._mark(now)
        return not self.full

    def sent_batch(self, last: int, size: int, now: float) -> None:
        """A batch of messages up to the number `last` left."""
        self._batches.append((last, size))
        self._batch_bytes += size
        self._wanted = 1
        self._mark(now)

    def sent(self, size: int, now: float) -> None:
        """A frame without a number left."""
        self._other_bytes += size
        self._mark(now)

    def acknowledged(self, seq: int) -> None:
        """Everything up to `seq` was shown, and every frame without a number."""
        while self._batches and self._batches[0][0] <= seq:
            self._batch_bytes -= self._batches.popleft()[1]
        self._other_bytes = 0
        if not self.full:
            self._full_since = None

    def stalled(self, now: float) -> bool:
        """Whether it has been full for longer than anybody alive needs."""
        return self._full_since is not None and now - self._full_since >= STALL

    def _mark(self, now: float) -> None:
        if self._full_since is None and self.full:
            self._full_since = now
