"""Which connections of a server opened and closed since the last look, in order with its messages. It runs in the reader's thread."""

import time
from typing import Any

from services import tls_columns
from services.models import Connection, Counters
from services.servers.clock import rfc3339
from sockpanel.live import wire
from sockpanel.live.follower import EVENTS, Event

OVERLAP = 5_000_000  # microseconds: clocks of two batches may disagree by as much

COLUMNS = ("number", "peer", "opened_at", "opened_seq", "closed_at", "closed_seq", "why", *tls_columns.COLUMNS)


class Openings:
    """What was told of one server's connections."""

    def __init__(self, server: int, counters: Counters) -> None:
        self._server = server
        self._counted = (counters.connections, counters.open_connections)
        self._last = counters.last_connection
        self._closed_at = time.time_ns() // 1000
        self._told: dict[int, int] = {}  # number -> closed_at, of those within the overlap
        self._closed()  # what is closed already is no news

    def look(self, counters: Counters) -> tuple[list[Event], int]:
        """The new events in order, and how many more there were. Without news it costs no query."""
        counted = (counters.connections, counters.open_connections)
        if counted == self._counted and counters.last_connection == self._last:
            return [], 0
        opened = self._opened()
        closed = self._closed()
        more = max(0, counters.last_connection - self._last - len(opened)) if len(opened) == EVENTS else 0
        self._last = max([self._last, counters.last_connection, *(event.number for event in opened)])
        self._counted = counted
        return sorted(opened + closed, key=_place), more

    def _opened(self) -> list[Event]:
        rows = Connection.objects.filter(server_id=self._server, number__gt=self._last).order_by("-number")
        return [_opening(row) for row in rows.values_list(*COLUMNS)[:EVENTS]]

    def _closed(self) -> list[Event]:
        since = min(self._closed_at, time.time_ns() // 1000) - OVERLAP
        rows = Connection.objects.filter(server_id=self._server, closed_at__gt=since).order_by("-closed_at")
        fresh = [row for row in rows.values_list(*COLUMNS)[:EVENTS] if self._told.get(row[0]) != row[4]]
        self._told |= {row[0]: row[4] for row in fresh}
        self._closed_at = max([self._closed_at, *self._told.values()])
        self._told = {number: at for number, at in self._told.items() if at > self._closed_at - 2 * OVERLAP}
        return [_closing(row) for row in fresh]


def since(server: int, seq: int) -> list[Event]:
    """The newest events after the message `seq`, those directly after it among them: for who comes back."""
    rows = Connection.objects.filter(server_id=server)
    opened = rows.order_by("-number").values_list(*COLUMNS)[:EVENTS]
    closed = rows.exclude(closed_at=None).order_by("-closed_at").values_list(*COLUMNS)[:EVENTS]
    events = [_opening(row) for row in opened if row[3] >= seq]
    events += [_closing(row) for row in closed if (row[5] or 0) >= seq]
    return sorted(events, key=_place)[-EVENTS:]


def _place(event: Event) -> tuple[int, int, int]:
    return event.seq, event.at, event.number


def _opening(row: tuple[Any, ...]) -> Event:
    return _event(row[0], row[1], "opened", row[2], row[3], tls_columns.words(*row[7:]))


def _closing(row: tuple[Any, ...]) -> Event:
    return _event(row[0], row[1], "closed", row[4] or 0, row[5] or 0, row[6])


def _event(number: int, peer: str, event: str, at: int, seq: int, why: str) -> Event:
    frame = {
        "type": "connection",
        "number": number,
        "peer": peer,
        "event": event,
        "at": rfc3339(at),
        "seq": seq,
        "why": why,
    }
    return Event(seq=seq, number=number, at=at, text=wire.encode(frame))
