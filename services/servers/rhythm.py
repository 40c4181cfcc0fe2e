"""Whether the same questions come and come, without a break: a circle that is too slow, or too varied, to be seen at once.

Silence ends every circle, and no client that means to ask. It knows no socket, and is brought a clock.

    rhythm.beats(question, time.monotonic)     # True once it has gone on for PATIENCE seconds
"""

from collections.abc import Callable

STRETCH = 64  # questions: the clock is looked at once in so many, and the last of them must come again among the next
SLOWEST = 200  # questions a second; slower circles harm nobody
PATIENCE, LONGEST_PATIENCE = 10.0, 640.0  # seconds that it may go on: twice as long each time that it was no circle

Key = bytes | int


class Rhythm:
    """Of the questions of one peer."""

    __slots__ = ("_asked", "_at", "_patience", "_returned", "_sample", "_since")

    def __init__(self) -> None:
        self._patience = PATIENCE
        self._asked = 0  # in this stretch
        self._sample: Key | None = None  # the question that ended the last stretch
        self._returned = False  # whether it has come again
        self._at = 0.0  # when the last stretch ended
        self._since = 0.0  # when the first of those without a break began

    def beats(self, question: Key, clock: Callable[[], float]) -> bool:
        """To be asked with each question, as itself or as its hash: whether it has gone on for too long."""
        if question == self._sample:
            self._returned = True
        self._asked += 1
        return self._asked >= STRETCH and self._stretched(question, clock())

    def forget(self, *, was_circle: bool) -> None:
        """Begin anew, with more patience when the last time was no circle."""
        self._patience = PATIENCE if was_circle else min(2 * self._patience, LONGEST_PATIENCE)
        self._asked, self._sample = 0, None

    def _stretched(self, question: Key, now: float) -> bool:
        is_fast = now - self._at <= STRETCH / SLOWEST
        if not (is_fast and self._returned):
            self._since = now
        self._asked, self._sample, self._returned, self._at = 0, question, False, now
        return now - self._since >= self._patience
