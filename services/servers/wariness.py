"""A stream in which a key of the panel may be: how its messages are recorded without it. It knows no transport.

What comes is looked at twice. As it came, for a key ends its session even where no message becomes of it; and as messages, for those
are stored. An answer may hold the key in pieces between other words, so what is stored is the answer to the message without it.
"""

import sys
from collections.abc import Callable

from services.servers.framing import Decoder
from services.servers.redaction import MARK, Scanner, Secret, clean
from services.servers.replies import Replier
from services.servers.report import MessageRow

Note = Callable[[MessageRow], None]


class Wary:
    """Of one stream, from the first byte that may belong to a key until nothing more of it can come."""

    def __init__(self, exposed: Callable[[list[Secret]], None]) -> None:
        """`exposed` is told the keys that were found, and called without any where only a piece was taken out."""
        self._exposed = exposed
        self._stream = Scanner()
        self._messages = Scanner()
        self._question: bytes | None = None  # the last message as it is stored, where that is not as it came

    @property
    def is_idle(self) -> bool:
        return self._stream.is_idle and self._messages.is_idle

    def came(self, data: bytes) -> None:
        """A piece of the stream."""
        self._stream.feed(data)
        if self._stream.found:
            self._exposed(self._stream.found)

    def heard(self, data: bytes, ending: bytes = b"") -> bytes:
        """A message as it is to be stored; `ending` stood behind it in the stream."""
        cleaned = self._messages.feed(data, ending)
        self._question = None if cleaned == data else cleaned
        if self._question is not None:
            self._exposed(self._messages.found)
        return cleaned

    def recording(
        self, decoder: Decoder, reply: Replier, keep: int, note: Note, note_answer: Note
    ) -> tuple[int, Note, Note]:
        """What to use instead of these in a turn: how much of a message is noted, and what notes messages and answers."""

        def heard(row: MessageRow) -> None:
            note((*row[:4], self.heard(row[4], decoder.ending)[:keep], *row[5:]))

        def answered(row: MessageRow) -> None:
            note_answer((*row[:4], self._answer(row[4], reply)[:keep], *row[5:]))

        return sys.maxsize, heard, answered

    def _answer(self, data: bytes, reply: Replier) -> bytes:
        if self._question is None:
            return clean(data)
        return clean(reply(self._question) or b"").replace(MARK.upper(), MARK)
