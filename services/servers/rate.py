"""So many a second, and a burst of more: a bucket of tokens, and one for each of the sources heard last. It knows no clock.

bucket = Bucket(rate=10, burst=20, now=0.0)
bucket.take(now=0.0)      # True, twenty times; then ten times a second
"""

from collections import OrderedDict

MOST = 10_000  # sources with a bucket of their own; the one unheard for longest is forgotten
ROUNDED = 1e-6  # what sums of fractions, of seconds or of messages, may be wrong by


class Bucket:
    """Full at first. A rate of 0 is no limit."""

    __slots__ = ("_every", "_full_at", "_span")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._every = 1.0 / rate if rate else 0.0  # seconds for one
        self._span = max(burst, 1.0) * self._every  # seconds from empty to full
        self._full_at = now

    def take(self, now: float) -> bool:
        """Whether one more fits; it is taken then. `now` is monotonic."""
        full_at = max(self._full_at, now) + self._every
        if full_at - now > self._span + ROUNDED:
            return False
        self._full_at = full_at
        return True

    def fits(self, now: float) -> bool:
        """Whether one more would; nothing is taken."""
        return max(self._full_at, now) + self._every - now <= self._span + ROUNDED

    def is_full(self, now: float) -> bool:
        """Whether nothing is lost when it is forgotten."""
        return self._full_at <= now


class Buckets:
    """A Bucket for each source."""

    def __init__(self, rate: float, burst: float, most: int = MOST) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._known: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, source: str, now: float) -> Bucket:
        bucket = self._known.get(source)
        if bucket is None:
            bucket = self._known[source] = Bucket(self._rate, self._burst, now)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(source)
        return bucket
