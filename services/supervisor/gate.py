"""Lets a few workers start at a time; the others wait in the order they came.

It knows neither workers nor clocks.
"""

from collections.abc import Callable


class Gate:
    """A few places, each taken under a name."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside: set[int] = set()
        self._waiting: dict[int, Callable[[], None]] = {}

    def enter(self, name: int, go: Callable[[], None]) -> None:
        """Calls `go` at once, or as soon as there is a place."""
        self._waiting[name] = go
        self._admit()

    def leave(self, name: int) -> None:
        """Gives the place back, or leaves the queue; no harm when `name` has neither."""
        self._waiting.pop(name, None)
        self._inside.discard(name)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and len(self._inside) < self._places:
            name = next(iter(self._waiting))
            go = self._waiting.pop(name)
            self._inside.add(name)
            go()
