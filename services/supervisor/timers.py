"""What the supervisor needs of an event loop. asyncio's and uvloop's have it; a test's fake clock has the first half."""

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """Something that will be called, unless cancelled."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Monotonic time in seconds, and calls to come."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Timer: ...


class Alarm:
    """One call to come, which takes the place of the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timer: Timer | None = None

    def set(self, delay: float, callback: Callable[..., Any], *args: Any) -> None:
        """Calls `callback` after `delay` seconds."""
        self.cancel()
        self._timer = self._clock.call_later(delay, callback, *args)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Loop(Clock, Protocol):
    """A clock that watches file descriptors too."""

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...

    def remove_reader(self, fd: int) -> bool: ...

    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...

    def remove_writer(self, fd: int) -> bool: ...
