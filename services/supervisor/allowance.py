"""Bytes that may wait for the store at one time, of all workers together: whoever would add more is not read until there is room.

It knows no link: each has itself called when there is room again.
"""

from collections.abc import Callable

MOST = 32 * 1024 * 1024  # as they crossed the links; small messages take four times as much in memory


class Allowance:
    """Shared by all links of a supervisor."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._used = 0
        self._waiting: dict[int, Callable[[], None]] = {}

    @property
    def is_used_up(self) -> bool:
        return self._used > self._most

    def take(self, size: int) -> None:
        """So many bytes wait from now on, whether there was room or not."""
        self._used += size

    def give_back(self, size: int) -> None:
        """So many bytes wait no longer. Calls whoever waited for that once half is free, the longest waiting first."""
        self._used -= size
        if self._used <= self._most // 2:
            while self._waiting and not self.is_used_up:
                self._waiting.pop(next(iter(self._waiting)))()

    def await_room(self, who: int, go_on: Callable[[], None]) -> None:
        """Have `go_on` called once there is room; asked again under the same number, it stays where it is in the queue."""
        self._waiting[who] = go_on

    def forget(self, who: int) -> None:
        """It waits no longer."""
        self._waiting.pop(who, None)
