"""What the commands print: tables for people, captured bytes made harmless. It knows no database and no socket.

Whatever came over a wire may hold sequences that move a terminal's cursor or change its keys: nothing of it is printed as it is,
unless somebody asks with --raw.
"""

import codecs
import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import msgspec

from services.servers import escapes

# What moves a cursor, changes a terminal, breaks a line or turns the direction of text; lines and tabs may stay
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")

WAYS = {"in": "-> in ", "out": "<- out"}  # seen from a server, as on the pages
SHOWN_BYTES = 4096  # of one message


def visible(data: bytes, limit: int = SHOWN_BYTES) -> str:
    r"""One line that shows every byte: text as it is, the rest as \r \n \t \xNN, so that it can be typed again."""
    text = escapes.to_text(data[:limit])
    return text if len(data) <= limit else f"{text} ... ({len(data) - limit:,} bytes more)"


def plain(text: object) -> str:
    """A text from elsewhere (a peer's path, a reason) on one line, without anything that a terminal acts on."""
    return "".join(char if char.isprintable() else _code(char) for char in str(text))


def _code(char: str) -> str:
    if char in "\n\t":
        return " "
    # A byte that was no text; half a character
    rule = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", rule))


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns as wide as they need to be; numbers stand to the right."""
    rows = list(rows)
    body = [[f"{cell:,}" if isinstance(cell, int) else plain(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(headings, *body, strict=True)]
    numeric = [bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(headings))]
    return "\n".join(
        "  ".join(
            _pad(cell, size, to_the_right) for cell, size, to_the_right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [list(headings), *body]
    )


def _pad(cell: str, size: int, to_the_right: bool) -> str:
    space = " " * (size - width(cell))
    return space + cell if to_the_right else cell + space


def width(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clock(at: int) -> str:
    """Microseconds since 1970 as the local time of day, to the millisecond."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at // 1_000_000))}.{at // 1000 % 1000:03d}"


def message(at: int, connection: int, peer: str, way: str, size: int, data: bytes) -> str:
    """One line for one message; `way` is in or out, `size` the true one where `data` is cut."""
    cut = f" ... ({size - len(data):,} bytes not kept)" if size > len(data) else ""
    return f"{clock(at)} {WAYS[way]} #{connection} {plain(peer)} {size:,} B  {visible(data)}{cut}".rstrip()


def line(text: str) -> bytes:
    """A line as standard output takes it; a letter that it cannot show becomes its number."""
    return f"{harmless(text)}\n".encode(sys.stdout.encoding or "utf-8", "backslashreplace")


def as_json(value: object) -> str:
    """Indented JSON; bytes become base64."""
    return _escaped(msgspec.json.format(msgspec.json.encode(value), indent=2))


def as_json_line(value: object) -> str:
    """JSON on one line; bytes become base64."""
    return _escaped(msgspec.json.encode(value))


def _escaped(told: bytes) -> str:
    """JSON leaves DEL, C1 controls and turns of direction as they are: they become its own escapes, which mean the same."""
    return ACTING.sub(lambda found: f"\\u{ord(found.group()):04x}", told.decode())


def harmless(text: str) -> str:
    """Lines stay lines and tabs tabs; whatever else a terminal acts on becomes visible. The last guard of all that is printed."""
    return ACTING.sub(lambda found: _code(found.group()), text)


class Screen:
    """What a stream of bytes looks like on a terminal that must not obey it: text, lines and tabs; the rest as escapes.

    Bytes may come cut anywhere: a character that is not whole yet is held back.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""  # a CR whose LF may follow

    def shown(self, data: bytes, last: bool = False) -> str:
        """What can be printed of the next bytes."""
        text = self._held + self._decoder.decode(data, last)
        self._held = "\r" if text.endswith("\r") and not last else ""
        return harmless(text.removesuffix(self._held).replace("\r\n", "\n"))


def write_raw(data: bytes) -> None:
    """Bytes as they are, to standard output. Only for somebody who asked for --raw."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def forget(stream: TextIO) -> None:
    """Nobody reads it any more: what is left in its buffer goes nowhere, or Python would complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
