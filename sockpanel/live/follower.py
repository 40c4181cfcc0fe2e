"""What one WebSocket is sent of one server's messages, and when: in order, each row once, what is left out counted.

It knows no database and no socket: it takes rows from the Tail, or says that older ones have to be fetched for it.

    follower.follow(after=120, query=Query(), last=tail.last)
    if follower.pump(tail, now): ...   # rows after follower.cursor have to be fetched, then follower.fetched(...)
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from services.history import Query
from sockpanel.live import filters, wire
from sockpanel.live.tail import Row, Tail, first_frame
from sockpanel.live.window import Window

RESUME_ROWS = 5_000  # a gap up to this is closed row by row, a longer one is skipped
HEAD_BYTES = 128  # of a batch, around its rows
EVENTS = 200  # openings and closings that wait for a place in the window


class Event(msgspec.Struct, frozen=True):
    """A connection opened or closed after the message `seq`."""

    seq: int
    at: int
    number: int
    text: str


class Follower:
    """One socket's place among the messages of a server."""

    def __init__(self, put: Callable[[str], None]) -> None:
        self.window = Window()
        self.following = False
        self.cursor = 0  # every row up to here was looked at for this socket, or left out
        self._put = put
        self._told = 0  # the last number that a frame has covered
        self._examined = 0  # rows after it that were looked at and did not fit the filter
        self._query = Query()
        self._resuming = False
        self._events: deque[Event] = deque()
        self._events_skipped = 0

    def follow(self, after: int | None, query: Query, last: int) -> None:
        """Begin, or begin anew: after the row `after`, or after `last`, the newest."""
        self.following = True
        self.cursor = self._told = last if after is None else min(after, last)
        self._resuming = after is not None
        self._examined = 0
        self._query = query
        self._events.clear()
        self._events_skipped = 0

    def happened(self, events: Sequence[Event], skipped: int = 0) -> None:
        """Connections opened and closed, in order; so many more are not told."""
        if not self.following:
            return
        self._events_skipped += skipped
        self._events.extend(event for event in events if filters.matches_connection(self._query, event.number))
        while len(self._events) > EVENTS:
            self._events.popleft()
            self._events_skipped += 1

    def pump(self, tail: Tail, now: float) -> bool:
        """Send what there is and the window lets through. Whether rows after the cursor have to be fetched first."""
        while self.following and not self.window.full:
            if self.cursor >= tail.last:
                self._resuming = False
                self._send_events(tail.last, now)
                return False
            if self.cursor < tail.floor:
                if self._resuming and tail.last - self.cursor <= RESUME_ROWS:
                    return True
                self.cursor = tail.floor
            self._step(tail.after(self.cursor), tail.last, now, tail)
        return False

    def fetched(self, after: int, rows: Sequence[Row], last: int, now: float) -> None:
        """Every row with after < seq <= last, fetched for the cursor `after`; too late for a cursor that has moved on."""
        if not self.following or self.cursor != after:
            return
        while self.cursor < last and not self.window.full:
            self._step([row for row in rows if row.seq > self.cursor], last, now)

    def _step(self, rows: Sequence[Row], last: int, now: float, tail: Tail | None = None) -> None:
        """Send one frame of `rows`, which are all that there are from the cursor to `last`, or the events before it."""
        if rows and self._events and self._events[0].seq < rows[0].seq:
            self._send_events(rows[0].seq - 1, now)
            return
        taken = first_frame(rows, self._next_event(rows))
        self._send_rows(taken, taken[-1].seq if len(taken) < len(rows) else last, now, tail)

    def _next_event(self, rows: Sequence[Row]) -> int | None:
        """Where a frame ends so that an event stands at its place; None where so many would use up the window."""
        if not rows:
            return None
        places = {event.seq for event in self._events if event.seq < rows[-1].seq}
        return min(places) if places and len(places) < self.window.room else None

    def _send_rows(self, rows: Sequence[Row], to: int, now: float, tail: Tail | None) -> None:
        filtered = not filters.is_empty(self._query)
        shown = [row for row in rows if filters.matches(self._query, row.message)] if filtered else rows
        if not self.window.takes(sum(len(row.encoded) + 1 for row in shown) + HEAD_BYTES, now):
            return
        self._examined += len(rows)
        self.cursor = to
        if filtered and not shown:
            return
        first, skipped = self._told + 1, to - self._told - self._examined
        if tail and not filtered:
            text = tail.frame(first, to, skipped, rows)
        else:
            text = wire.messages(first, to, skipped, [row.encoded for row in shown])
        self._told, self._examined = to, 0
        self._put(text)
        self.window.sent_batch(to, len(text), now)

    def _send_events(self, until: int, now: float) -> None:
        """Send the events up to the number `until`, while there is room."""
        if self._events_skipped and not self.window.full:
            self._tell(wire.encode({"type": "connections", "skipped": self._events_skipped}), now)
            self._events_skipped = 0
        while self._events and self._events[0].seq <= until and not self.window.full:
            self._tell(self._events.popleft().text, now)

    def _tell(self, text: str, now: float) -> None:
        self._put(text)
        self.window.sent(len(text), now)
