"""What a server refused or held back, as it is noted: told once to everybody who looks at it. It runs in the reader's thread."""

import time
from collections.abc import Callable

import msgspec

from services.models import Incident
from services.servers.clock import rfc3339
from sockpanel.live import wire

EVERY = 0.5  # seconds between two looks at least
NEWEST = 20  # told at a time; the page and the API have the others


class Note(msgspec.Struct, frozen=True):
    """One incident, and its frame."""

    id: int
    text: str


class Incidents:
    """The incidents of one server that nobody was told of yet."""

    def __init__(self, server: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._server, self._clock = server, clock
        self._looked_at = clock()
        self._last = max([0, *(note.id for note in since(server, 0, 1))])

    def look(self) -> list[Note]:
        """The newest of those that came since the last look, in order; nothing while that was a moment ago."""
        if self._clock() - self._looked_at < EVERY:
            return []
        self._looked_at = self._clock()
        found = since(self._server, self._last)
        self._last = found[-1].id if found else self._last
        return found


def since(server: int, last: int, limit: int = NEWEST) -> list[Note]:
    """The newest incidents after the one with the number `last`, in order."""
    rows = Incident.objects.filter(server_id=server, id__gt=last).order_by("-id")[:limit]
    return [_note(row) for row in reversed(rows)]


def _note(row: Incident) -> Note:
    frame = {
        "type": "incident",
        "id": row.pk,
        "at": rfc3339(row.at),
        "rule": row.rule,
        "source": row.source,
        "what": row.what,
        "count": row.count,
    }
    return Note(row.pk, wire.encode(frame))
