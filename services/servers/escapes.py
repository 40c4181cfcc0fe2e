r"""Text with escapes (\r \n \t \0 \\ \xNN) to bytes and back; everything else is UTF-8.

to_bytes(r"\x02OK\r\n") == b"\x02OK\r\n"
"""

import re

from services.errors import TextMalformed

_NAMED = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[rnt0\\])|\\")
_SHOWN = {"\r": r"\r", "\n": r"\n", "\t": r"\t", "\0": r"\0", "\\": "\\\\"}


def to_bytes(text: str) -> bytes:
    """The bytes that `text` means. Raises TextMalformed for a backslash that begins no known escape."""
    parts, end = [], 0
    for match in _ESCAPE.finditer(text):
        parts.append(text[end : match.start()].encode())
        parts.append(_escape(match))
        end = match.end()
    parts.append(text[end:].encode())
    return b"".join(parts)


def _escape(match: re.Match[str]) -> bytes:
    name = match.group(1)
    if name is None:
        raise TextMalformed(
            f"The backslash at position {match.start() + 1} begins no escape: "
            r"write \r, \n, \t, \0, \xNN, or \\ for a backslash."
        )
    return _NAMED[name] if name in _NAMED else bytes.fromhex(name[1:])


def to_text(data: bytes) -> str:
    """Text with escapes that `to_bytes` turns back into exactly `data`."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char in _SHOWN:
        return _SHOWN[char]
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in char.encode())
