"""Where the servers stand and what they have counted, as frames, each built once for all sockets. It knows no socket and no database.

A state is told whenever it changes, the counters of a server at most every STATS_EVERY seconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sockpanel.live import wire
from sockpanel.live.window import Window

STATS_EVERY = 0.5  # seconds
STANDING = ("state", "reason", "since", "pid", "address", "retry_at", "wanted", "name")


@dataclass
class Entry:
    """One server: what was told last, and how often that changed."""

    name: str
    standing: tuple[Any, ...] = ()
    counters: dict[str, Any] | None = None
    latest: dict[str, Any] | None = None  # counters that wait for their time
    counted_at: float = 0.0
    state_frame: str = ""
    stats_frame: str = ""
    versions: tuple[int, int] = (0, 0)


class Board:
    """What is known of the servers that anybody follows."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.revision = 1  # counts changes of anything in it

    def update(self, described: Iterable[dict[str, Any]], now: float) -> None:
        """Take in SERVER objects as `describe` makes them."""
        for server in described:
            entry = self.entries.setdefault(server["id"], Entry(server["name"]))
            standing = tuple(server[field] for field in STANDING)
            if standing != entry.standing:
                _restate(entry, server, standing)
                self.revision += 1
            entry.latest = server["counters"] if server["counters"] != entry.counters else None
        self.publish(now)

    def publish(self, now: float) -> float | None:
        """Build the frames of counters whose time has come; when the next will, None for never."""
        due = None
        for entry in self.entries.values():
            if entry.latest is None:
                continue
            at = entry.counted_at + STATS_EVERY
            if entry.counters is not None and now < at:
                due = at if due is None else min(due, at)
            else:
                _recount(entry, entry.latest, now)
                self.revision += 1
        return due

    def forget(self, servers: Iterable[int]) -> dict[int, str]:
        """These are gone, or nobody looks at them any longer: id -> name of those that were known."""
        return {server: self.entries.pop(server).name for server in servers if server in self.entries}


def _restate(entry: Entry, server: dict[str, Any], standing: tuple[Any, ...]) -> None:
    entry.standing, entry.name = standing, server["name"]
    fields = {field: server[field] for field in STANDING if field != "name"}
    entry.state_frame = wire.encode({"type": "state", "server": server["name"], "id": server["id"], **fields})
    entry.versions = (entry.versions[0] + 1, entry.versions[1])


def _recount(entry: Entry, counters: dict[str, Any], now: float) -> None:
    entry.counters, entry.latest, entry.counted_at = counters, None, now
    entry.stats_frame = wire.encode({"type": "stats", "server": entry.name, **counters})
    entry.versions = (entry.versions[0], entry.versions[1] + 1)


class Onlooker:
    """What one socket has been told of the board."""

    def __init__(self, put: Callable[[str], None], window: Window) -> None:
        self._put, self._window = put, window
        self._told: dict[int, tuple[int, int]] = {}
        self._revision = 0

    def tell(self, board: Board, servers: Iterable[int], now: float) -> None:
        """Send what has changed of these servers, as far as the window lets it through; the rest after an acknowledgement."""
        if self._revision == board.revision:
            return
        for server in servers:
            if entry := board.entries.get(server):
                self._told[server] = self._tell_one(entry, self._told.get(server, (0, 0)), now)
        if not self._window.full:
            self._revision = board.revision

    def forget(self, servers: Iterable[int]) -> None:
        for server in servers:
            self._told.pop(server, None)

    def say(self, frame: str, now: float) -> None:
        """A frame that is for everybody at the board."""
        self._put(frame)
        self._window.sent(len(frame), now)

    def _tell_one(self, entry: Entry, told: tuple[int, int], now: float) -> tuple[int, int]:
        states, counts = told
        if states != entry.versions[0] and not self._window.full:
            self.say(entry.state_frame, now)
            states = entry.versions[0]
        if counts != entry.versions[1] and not self._window.full:
            self.say(entry.stats_frame, now)
            counts = entry.versions[1]
        return states, counts
