"""Keeps the Board up to date: which servers to read when. It knows the database through `describe`, and no socket."""

import math
from collections.abc import Iterable
from typing import Any

from services.describe import describe
from services.models import Server
from sockpanel.live.board import Board
from sockpanel.live.reader import Reader

EVERY = 0.25  # seconds between two looks at least


class Standings:
    """The states and counters of the servers that somebody looks at."""

    def __init__(self) -> None:
        self.board = Board()
        self.whole = False  # the board shows every server there is
        self._dirty: set[int] = set()
        self._all_dirty = True
        self._look_at = 0.0
        self._publish_at = math.inf

    @property
    def due(self) -> float:
        """When there is something to do, on the monotonic clock."""
        return min(self._publish_at, self._look_at) if self._dirty or self._all_dirty else self._publish_at

    def hint(self, server: int | None, at_once: bool = False) -> None:
        """Look again at this one; None: at all."""
        self._all_dirty |= server is None
        if server is not None:
            self._dirty.add(server)
        if at_once:
            self._look_at = 0.0

    async def round(self, reader: Reader, followed: set[int], everybody: bool, now: float) -> dict[int, str]:
        """Look if it is time; `everybody`: at every server there is, not only the followed. The servers that are gone: id -> name."""
        gone = {}
        if now >= self._look_at and (self._dirty or self._all_dirty):
            gone = await self._look(reader, followed, everybody, now)
        due = self.board.publish(now)
        self._publish_at = math.inf if due is None else due
        return gone

    async def _look(self, reader: Reader, followed: set[int], everybody: bool, now: float) -> dict[int, str]:
        wanted = None if self._all_dirty else set(self._dirty)
        if not everybody:
            wanted = followed if wanted is None else followed & wanted
        self._all_dirty, self._look_at = False, now + EVERY
        self._dirty.clear()
        try:
            described = await reader.run(_read, wanted)
        except BaseException:
            self._all_dirty = True
            raise
        self.board.update(described, now)
        self.whole |= wanted is None
        missing = (set(self.board.entries) | followed if wanted is None else wanted) - {row["id"] for row in described}
        return dict.fromkeys(missing, "") | self.board.forget(missing)

    def keep(self, followed: Iterable[int]) -> None:
        """Nobody looks at the others any longer."""
        self.board.forget(set(self.board.entries) - set(followed))
        self.whole = False


def _read(servers: set[int] | None) -> list[dict[str, Any]]:
    rows = Server.objects.order_by("name")
    return describe(rows if servers is None else rows.filter(pk__in=servers))
