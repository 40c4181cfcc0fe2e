"""One followed server: its new rows are read once for everybody. `begin`, `look` and `fetch` run in the reader's thread."""

from collections import deque
from collections.abc import Sequence

import msgspec

from services import history
from services.history import Query
from services.models import Counters
from sockpanel.live import incidents, openings, wire
from sockpanel.live.follower import Event
from sockpanel.live.incidents import Incidents, Note
from sockpanel.live.openings import Openings
from sockpanel.live.tail import BYTES, FRAME_BYTES, ROWS, Row, Tail, encode_rows

EVERY = 0.033  # seconds between two looks at least
EVERY_EACH = 0.0005  # the same for each socket that follows: a crowd is told less often, and more at once
EVERY_AT_MOST = 0.25
CHUNKS = 16  # of older rows that are kept while somebody catches up: who comes back after a restart is not alone


class Look(msgspec.Struct, frozen=True):
    """What one look has found: the newest rows, the openings and closings before them, and incidents."""

    last: int
    rows: Sequence[Row]
    whole: bool
    events: Sequence[Event]
    events_skipped: int
    notes: Sequence[Note]


class Chunk(msgspec.Struct, frozen=True):
    """Every row with after < seq <= last."""

    after: int
    rows: Sequence[Row]
    last: int


class Feed:
    """The newest messages of a server, and when they were looked at."""

    def __init__(self, server: int, counters: Counters) -> None:
        self.server = server
        self.tail = Tail(counters.last_seq)
        self.dirty = True
        self.looked_at = 0.0
        self.seats = 0  # so many follow
        self._chunks: deque[Chunk] = deque(maxlen=CHUNKS)
        self._openings = Openings(server, counters)
        self._incidents = Incidents(server)

    @property
    def due(self) -> float:
        """When it may be looked at again, on the monotonic clock."""
        return self.looked_at + min(EVERY_AT_MOST, max(EVERY, EVERY_EACH * self.seats))

    @classmethod
    def begin(cls, server: int) -> "Feed":
        """In the reader's thread: a feed that starts at the newest message."""
        return cls(server, _counters(server))

    def look(self) -> Look:
        """In the reader's thread: what is new since the last look; far behind, only the newest of it."""
        counters = _counters(self.server)
        last, rows, whole = max(counters.last_seq, self.tail.last), [], True
        if last > self.tail.last:
            page = history.messages(
                self.server, Query(after=self.tail.last, before=wire.MAX_SEQ, limit=ROWS, max_bytes=BYTES)
            )
            rows, whole = encode_rows(page.messages), not page.more
        notes = self._incidents.look()
        events, skipped = self._openings.look(counters)  # last: what it told, it does not tell again
        return Look(max(last, rows[-1].seq if rows else 0), rows, whole, events, skipped, notes)

    def take(self, look: Look) -> None:
        """In the loop: keep what was found."""
        if look.last > self.tail.last:
            self.tail.extend(look.rows, look.last, look.whole)

    def known(self, after: int) -> Chunk | None:
        """In the loop: a chunk that was fetched for somebody else and goes on after `after`."""
        return next((chunk for chunk in self._chunks if chunk.after <= after < chunk.last), None)

    def keep(self, chunk: Chunk) -> None:
        """In the loop: others may want it too."""
        self._chunks.append(chunk)

    def forget_chunks(self) -> None:
        """In the loop: nobody catches up any longer."""
        self._chunks.clear()

    def fetch(self, after: int) -> Chunk:
        """In the reader's thread: one frame's worth of the rows after `after`."""
        known = self.tail.last
        page = history.messages(self.server, Query(after=after, limit=ROWS, max_bytes=FRAME_BYTES))
        rows = encode_rows(page.messages)
        return Chunk(after, rows, rows[-1].seq if page.more and rows else max(known, page.last or 0))

    def events_since(self, seq: int) -> list[Event]:
        """In the reader's thread: openings and closings for somebody who comes back."""
        return openings.since(self.server, seq)

    def notes_since(self, incident: int) -> list[Note]:
        """In the reader's thread: incidents after this one, for somebody whose page shows those before."""
        return incidents.since(self.server, incident)


def _counters(server: int) -> Counters:
    row = (
        Counters.objects.filter(pk=server)
        .only("last_seq", "last_connection", "connections", "open_connections")
        .first()
    )
    return row or Counters(server_id=server)
