"""How much of the memory of a server frames may take that are not complete yet. It knows neither sockets nor frames.

Up to SMALL bytes of a frame are anybody's; of larger ones only as many are read at a time as fit, and others wait for theirs.
Without it a thousand peers that send half a frame each would take a gigabyte.
"""

from typing import Protocol

SMALL = 64 * 1024  # bytes of half a frame
LARGE = 48 * 1024 * 1024  # bytes of all large frames that are read at a time
MOST = 96 * 1024 * 1024  # bytes of all half frames; whoever goes beyond is cut off


class Waiting(Protocol):
    """A stream that is not read until it is told to go on."""

    def go_on(self, reason: int) -> None: ...


class Room:
    """Of one server. `reason` is why a stream that waits here is not read."""

    def __init__(self, frame_bytes: int, reason: int) -> None:
        self.bytes = 0  # held by all streams
        self._places = max(1, LARGE // max(1, frame_bytes))
        self._reason = reason
        self._inside: set[Waiting] = set()
        self._queue: dict[Waiting, None] = {}

    @property
    def is_full(self) -> bool:
        """Whether more is held than may be."""
        return self.bytes > MOST

    def admits(self, stream: Waiting) -> bool:
        """Whether `stream` may read a large frame; it is told to go on later when not."""
        if stream in self._inside:
            return True
        if len(self._inside) < self._places and not self._queue:
            self._inside.add(stream)
            return True
        self._queue[stream] = None
        return False

    def leave(self, stream: Waiting) -> None:
        """The frame of `stream` is complete, or will never be."""
        self._queue.pop(stream, None)
        self._inside.discard(stream)
        while self._queue and len(self._inside) < self._places:
            following = next(iter(self._queue))
            del self._queue[following]
            self._inside.add(following)
            following.go_on(self._reason)
