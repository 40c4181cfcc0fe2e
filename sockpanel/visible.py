r"""Captured bytes as text that can be read and cannot lie: control characters, bytes that are no UTF-8, and characters
that are invisible or change the direction of others become marks. It knows no HTML. static/js/visible.js is the same
table; a test compares them.

    pieces(b"ok\r\n") == [("ok", False), (r"\r\n", True)]
"""

import re
from itertools import groupby

# First and last code point of what is never shown as itself: Unicode's Cc, Cf, Zl, Zp, Zs but the space, and invisible
# letters.
HIDDEN = (
    (0x0000, 0x001F), (0x007F, 0x00A0), (0x00AD, 0x00AD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C),
    (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x1680, 0x1680),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800),
    (0x3000, 0x3000), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)  # fmt: skip

_UNDECODED = "\udc80-\udcff"  # what `surrogateescape` makes of a byte that is no UTF-8
_CLASS = "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in HIDDEN)
_MARKED = re.compile(f"([{_CLASS}{_UNDECODED}])")
_NAMED = {"\0": r"\0", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def pieces(data: bytes) -> list[tuple[str, bool]]:
    """Text and marks (True) in order; neighbours of one sort are joined."""
    parts = _MARKED.split(data.decode("utf-8", "surrogateescape"))
    sorts = [(_mark(part), True) if index % 2 else (part, False) for index, part in enumerate(parts) if part]
    return [("".join(text for text, _ in group), mark) for mark, group in groupby(sorts, key=lambda piece: piece[1])]


def visible(data: bytes) -> str:
    """The same as one string, for places without markup."""
    return "".join(text for text, _ in pieces(data))


def visible_text(text: str) -> str:
    """A string from outside (a peer's name, a reason) made visible."""
    return visible(text.encode("utf-8", "surrogateescape"))


def whole_characters(data: bytes) -> bytes:
    """`data` without the unfinished character that a cut may have left at its end."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if 0xC2 <= byte <= 0xF4:
            return data[:-back] if back < 2 + (byte >= 0xE0) + (byte >= 0xF0) else data
        if not 0x80 <= byte <= 0xBF:
            break
    return data


def _mark(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return _NAMED.get(char) or f"\\x{code:02x}"
    return f"<U+{code:04X}>"
