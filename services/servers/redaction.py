r"""What opens this panel, or another one, and is not to be stored: the value of its cookie, and its tokens. It knows no socket.

Cookies know no port: a browser hands the panel's own to any server on the same host. They are found in every case of letters,
for an answer may hold them in capitals, and however the bytes were cut on their way.

    clean(b"Cookie: sp_0123abcd=k3y; a=b") == b"Cookie: sp_0123abcd=[redacted]; a=b"
    scanner = Scanner()
    scanner.feed(b"sp_0123abcd=k3") == b"sp_0123abcd=[redacted]"
    scanner.feed(b"y; a=b") == b"[redacted]; a=b"
"""

import hashlib
import re
from typing import Literal, NamedTuple

MARK = b"[redacted]"
UNDERSCORE = ord("_")  # without one there is nothing to find: `UNDERSCORE in data` is the cheapest question there is
KEY = 32  # characters of a session's key
LONGEST = 128  # bytes of a cookie's value
MOST = 64  # keys told of in one piece; further ones are taken out without a word
_BEGINS = b"sp_"
# A name or token that began earlier reaches so far back
_CONTEXT = 16 + len(b'sp_0123abcd%3d"') + LONGEST

# A cookie's value, or a token of 43 characters; one that stands deep inside of a long run of such characters is none, but a piece of
# base64. Only the beginning is taken: the next may begin inside.
_SECRET = re.compile(
    rb"[sS][pP]_(?:(?=[0-9a-fA-F]{8}(?:=|%%3[dD])\"?([\w.~+/%%-]{1,%d}))|(?<![\w-]{16}...)(?=([\w-]{43})))" % LONGEST,
    re.ASCII,
)
# What may become a token with the bytes to come. Sixteen characters of one open nothing, and names of people's own are hardly longer
_UNFINISHED = re.compile(rb"[sS][pP]_([\w-]{17,42})\Z", re.ASCII)
_IDLE = re.compile(rb"[sS][pP]_|[sS][pP]?\Z")

Span = tuple[int, int]


class Secret(NamedTuple):
    """A key or a token that was found, as its SHA-256: nobody need be told of the thing itself."""

    kind: Literal["session", "token"]
    digest: bytes


def may_begin(data: bytes) -> bool:
    """Whether a name or a token begins in `data`, or begins before it and goes on in it. To be asked where there is an underscore."""
    low = data.lower()
    return _BEGINS in low or low.startswith((b"_", b"p_"))


def clean(data: bytes) -> bytes:
    """`data`, which is whole, without secrets."""
    if UNDERSCORE not in data or _BEGINS not in data.lower():
        return data
    return search(data)[0]


def search(data: bytes) -> tuple[bytes, list[Secret]]:
    """The same, and what was found."""
    spans, found = [], []
    if UNDERSCORE in data and _BEGINS in data.lower():
        for match in _SECRET.finditer(data):
            spans.append(match.span(match.lastindex or 0))
            found += _secrets(match)
    return _without(data, spans, 0, len(data)), found[:MOST]


def clean_text(text: str) -> str:
    """The same for text."""
    if "_" not in text:
        return text
    data = text.encode("utf-8", "surrogatepass")
    cleaned = clean(data)
    return text if cleaned is data else cleaned.decode("utf-8", "surrogatepass")


class Scanner:
    """Takes the pieces of one stream of bytes, and gives each back without secrets."""

    def __init__(self) -> None:
        self.found: list[Secret] = []  # by the last `feed`
        self._before: bytes | None = None  # the last bytes, as they came; None at first

    @property
    def is_idle(self) -> bool:
        """Whether what comes next has nothing to do with what came before."""
        return self._before is None or _IDLE.search(self._before) is None

    def feed(self, data: bytes, ending: bytes = b"") -> bytes:
        """`data` without secrets; `ending` stood behind it in the stream, and is no part of it."""
        before = _guessed(data) if self._before is None else self._before
        text = before + data + ending
        self._before = text[-_CONTEXT:]
        self.found = []
        if _BEGINS not in text.lower():
            return data
        begin, end = len(before), len(before) + len(data)
        spans = []
        for match in _SECRET.finditer(text):
            span = match.span(match.lastindex or 0)
            if span[1] > begin:
                spans.append(span)
                self.found += _secrets(match)[: MOST - len(self.found)]
        unfinished = _UNFINISHED.search(text, max(0, len(text) - len("sp_") - 43))
        if unfinished is not None:
            spans.append(unfinished.span(1))
        return _without(text, spans, begin, end)


def _secrets(match: re.Match[bytes]) -> list[Secret]:
    """What it would open the panel as, if anything."""
    cookie, token = match.groups()
    if token is not None:
        return [Secret("token", hashlib.sha256(match[0] + token).digest())]
    is_key = len(cookie) >= KEY and cookie[:KEY].isalnum()
    return [Secret("session", digest_of_key(cookie[:KEY].decode()))] if is_key else []


def told_of(whom: str) -> str:
    """What an incident says of it."""
    return f"{whom} sent a cookie or a token of Sockpanel: it is not stored, and opens nothing any more"


def digest_of_key(key: str) -> bytes:
    """What a session is known by to those who must not know its key (sockpanel.accounts.sessions has the same)."""
    return hashlib.sha256(key.lower().encode()).digest()


def _guessed(data: bytes) -> bytes:
    """What may have come before the first piece that was looked at."""
    low = data[:2].lower()
    return b"sp" if low[:1] == b"_" else b"s" if low == b"p_" else b""


def _without(text: bytes, spans: list[Span], begin: int, end: int) -> bytes:
    """The bytes from `begin` to `end`, with a mark for each stretch of `spans`."""
    parts, at = [], begin
    for first, last in _joined(spans):
        if last <= at or first >= end:
            continue
        parts += [text[at : max(at, first)], MARK]
        at = min(last, end)
    return text[begin:end] if not parts else b"".join([*parts, text[at:end]])


def _joined(spans: list[Span]) -> list[Span]:
    """In order, those that touch as one."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined
