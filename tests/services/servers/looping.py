"""A loop with a clock that the test sets: timers are due when it says so."""

import heapq
from collections.abc import Callable
from typing import Any


class Handle:
    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """As much of an event loop as timers need."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, Handle, Callable[..., Any], tuple[Any, ...]]] = []
        self._count = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any) -> Handle:
        handle = Handle()
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle, callback, args))
        return handle

    def call_later(self, seconds: float, callback: Callable[..., Any], *args: Any) -> Handle:
        return self.call_at(self.now + seconds, callback, *args)

    @property
    def timers(self) -> int:
        """How many would still fire."""
        return sum(not handle.is_cancelled for _, _, handle, _, _ in self._timers)

    def passes(self, seconds: float) -> None:
        """Time goes by, and what is due happens when it is."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, handle, callback, args = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            if not handle.is_cancelled:
                callback(*args)
        self.now = end
