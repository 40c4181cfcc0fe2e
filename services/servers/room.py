"""How much of the memory of a server frames may take that are not complete yet. It knows neither sockets nor frames.

Up to SMALL bytes of a frame are anybody's; of larger ones only as many are read at a time as fit, and others wait for theirs.
Without it a thousand peers that send half a frame each would take a gigabyte. Nobody keeps a place for ever that others wait for, even
where frames may take as long as they like.
"""

import asyncio
from typing import Protocol

from services.servers.waiting import ROOM, Waiting

SMALL = 64 * 1024  # bytes of half a frame
LARGE = 48 * 1024 * 1024  # bytes of all large frames that are read at a time
EARLY = 0.002  # seconds by which a timer may be: the loop counts in milliseconds
MOST = 96 * 1024 * 1024  # bytes of all half frames; whoever goes beyond is cut off
WITHIN = 60.0  # seconds that a large frame may take while others wait for its place


class Guest(Waiting, Protocol):
    """A stream with a large frame."""

    def overstays(self) -> bool:
        """Its place is needed: end it, and say so; unless it is us who do not read it."""


class Room:
    """Of one server."""

    def __init__(self, frame_bytes: int, loop: asyncio.AbstractEventLoop) -> None:
        self.bytes = 0  # held by all streams
        self._places = max(1, LARGE // max(1, frame_bytes))
        self._loop = loop
        self._inside: dict[Guest, float] = {}  # since when, in the order in which they came in
        self._queue: dict[Guest, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """Whether more is held than may be."""
        return self.bytes > MOST

    def admits(self, stream: Guest) -> bool:
        """Whether `stream` may read a large frame; it is told to go on later when not."""
        if stream in self._inside:
            return True
        if len(self._inside) < self._places and not self._queue:
            self._inside[stream] = self._loop.time()
            return True
        self._queue[stream] = None
        self._arm()
        return False

    def leave(self, stream: Guest) -> None:
        """The frame of `stream` is complete, or will never be."""
        self._queue.pop(stream, None)
        self._inside.pop(stream, None)
        while self._queue and len(self._inside) < self._places:
            following = next(iter(self._queue))
            del self._queue[following]
            self._inside[following] = self._loop.time()
            following.go_on(ROOM)

    def _arm(self) -> None:
        if self._timer is None and self._queue:
            since = min(self._inside.values(), default=self._loop.time())
            self._timer = self._loop.call_at(since + WITHIN, self._look)

    def _look(self) -> None:
        """Others wait: whoever has had a place for too long goes; whoever could not help it has as long again."""
        self._timer = None
        now = self._loop.time()
        for stream, since in list(self._inside.items()):
            if not self._queue:
                return
            if since + WITHIN > now + EARLY:
                continue
            if stream.overstays():
                self.leave(stream)
            elif stream in self._inside:
                self._inside[stream] = now
        self._arm()
