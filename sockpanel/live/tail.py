"""The newest messages of one server, encoded once for everybody who follows it. It knows no socket and no database."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile

import msgspec

from services.history import MessageOut
from sockpanel.live import wire

ROWS = 500  # kept here, and in one batch
BYTES = 512 * 1024  # of encoded messages, kept here
FRAME_BYTES = 256 * 1024  # of encoded messages in one batch


class Row(msgspec.Struct, frozen=True):
    """A message, and the JSON of it."""

    seq: int
    message: MessageOut
    encoded: bytes


def encode_rows(found: Iterable[MessageOut]) -> list[Row]:
    return [Row(message.seq, message, wire.encode_message(message)) for message in found]


def first_frame(rows: Sequence[Row], until: int | None = None) -> Sequence[Row]:
    """As many of `rows` as make one frame, at least one; none after the number `until`."""
    size = 0
    for index, row in enumerate(rows):
        size += len(row.encoded)
        if index and (index == ROWS or size > FRAME_BYTES or (until is not None and row.seq > until)):
            return rows[:index]
    return rows


class Tail:
    """Every message that exists with floor < seq <= last is here; none before."""

    def __init__(self, last: int) -> None:
        self.last = self.floor = last
        self._rows: deque[Row] = deque()
        self._size = 0
        self._frames: dict[tuple[int, int, int], str] = {}

    def extend(self, rows: Sequence[Row], last: int, whole: bool) -> None:
        """The newest rows after `self.last`; `last` is the newest number; `whole`: nothing between was left out."""
        self._frames.clear()
        if not whole:
            self._rows.clear()
            self._size = 0
            self.floor = rows[0].seq - 1 if rows else last
        self._rows.extend(rows)
        self._size += sum(len(row.encoded) for row in rows)
        self.last = max(last, rows[-1].seq if rows else 0, self.last)
        while len(self._rows) > ROWS or (self._size > BYTES and len(self._rows) > 1):
            gone = self._rows.popleft()
            self._size -= len(gone.encoded)
            self.floor = gone.seq

    def after(self, seq: int) -> list[Row]:
        """The rows with higher numbers."""
        return list(takewhile(lambda row: row.seq > seq, reversed(self._rows)))[::-1]

    def frame(self, first: int, last: int, skipped: int, rows: Sequence[Row]) -> str:
        """A frame of rows that are here: the same text for everybody who needs the same."""
        key = (first, last, skipped)
        if key not in self._frames:
            self._frames[key] = wire.messages(first, last, skipped, [row.encoded for row in rows])
        return self._frames[key]
