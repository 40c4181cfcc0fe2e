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
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Literal, NamedTuple

MARK = b"[redacted]"
UNDERSCORE = ord("_")  # without one there is nothing to find: `UNDERSCORE in data` is the cheapest question there is
KEY = 32  # characters of a session's key
LONGEST = 128  # bytes of a cookie's value
MOST = 64  # keys told of in one piece; further ones are taken out without a word
_BEGINS = b"sp_"
_FEW = 512  # places looked at one by one; of further ones those where a secret stands are picked out in one go
_FLOOD = 1024  # secrets in one piece: beyond, whatever looks like one is taken out, for nobody may keep a worker busy
_NAME = rb"[sS][pP]_(?:[0-9a-fA-F]{8}(?:=|%3[dD])\"?"
_TOKEN = 43  # characters of a token behind sp_
_CHECK = 7  # of those, at its end: 42 bits
_ENOUGH = 28  # characters of one that was cut off: of fewer nobody guesses the rest
# A cookie's value, or a token, or so much of one. Looked for at each sp_, for one may begin inside of another
_SECRET = re.compile(rb"%s([\w.~+/%%-]{1,%d})|([\w-]{%d,%d}))" % (_NAME, LONGEST, _ENOUGH, _TOKEN))
# The same in small letters, quickly; and the longest stretch in which there may be one, or several
_LOOKS = re.compile(rb"sp_(?=[0-9a-f]{8}(?:=|%%3d)\"?[\w.~+/%%-]|[\w-]{%d})" % _ENOUGH)
_STRETCH = re.compile(rb"sp_[\w.~+/%=\"-]{10,}", re.IGNORECASE)
_LAST = 192  # bytes: what is open begins there at the earliest
# What the bytes to come may make a token, or the name of a cookie
_OPEN = re.compile(rb"%s|[0-9a-fA-F]{8}%%3?|([\w-]{0,42})|[0-9a-fA-F]{0,8})\Z" % _NAME)
# Deep inside of a long run of such characters stands a piece of base64 rather than a token, unless its check is right
_DEEP = re.compile(rb"(?<=[\w-]{16})sp_", re.IGNORECASE)
# What names lack, and 28 characters by chance hardly ever: 0.5 % of them a numeral, 36 only 0.1 %, a millionth the letters
_NUMERAL = re.compile(rb"[0-9-]")
_CHANCE = (re.compile(rb"[A-Z]"), re.compile(rb"[a-z]"), _NUMERAL)
_HARMLESS = 16  # characters of a token open nothing, and names of people's own are hardly longer
_BEFORE = 18  # bytes that tell what an sp_ stands behind, of which two may be its own

Span = tuple[int, int]


class Secret(NamedTuple):
    """A key or a token that was found, as its SHA-256: nobody need be told of the thing itself."""

    kind: Literal["session", "token"]
    digest: bytes


def new_token() -> str:
    """A token with 216 random bits, and a check of them: it is known for one wherever it stands."""
    begun = b"sp_" + secrets.token_urlsafe(27).encode()
    return (begun + _check(begun)).decode()


def _check(begun: bytes) -> bytes:
    return urlsafe_b64encode(hashlib.sha256(begun).digest())[:_CHECK]


def _secret_at(data: bytes, at: int) -> re.Match[bytes] | None:
    match = _SECRET.match(data, at)
    return match if match and (match[2] is None or _is_token(data, match)) else None


def _is_token(data: bytes, match: re.Match[bytes]) -> bool:
    """Whether this is one, or so much of one, rather than a mere name or a piece of base64: its check tells, or its looks."""
    if _is_whole(match):
        looks = _NUMERAL.search(match[2]) is not None and not _DEEP.match(data, match.start())
    else:
        looks = match[0].startswith(_BEGINS) and all(letters.search(match[2]) for letters in _CHANCE)
    return looks or (len(match[2]) > _TOKEN - _CHECK and _completed(match[0]) != b"")


def _is_whole(match: re.Match[bytes]) -> bool:
    """Whether it is as long as a token."""
    return len(match[2] or b"") == _TOKEN


def may_begin(data: bytes) -> bool:
    """Whether a name or a token begins in `data`, or before it, whatever follows. To be asked where there is an underscore."""
    low = data.lower()
    return _BEGINS in low or _goes_on(low)


def may_hold(data: bytes) -> bool:
    """The same, but for names that are seen to be none."""
    low = data.lower()
    if _BEGINS in low and (_holds(data, low) or any(_OPEN.match(data, at) for at in _last(low))):
        return True
    return _goes_on(low)


def _holds(data: bytes, low: bytes) -> bool:
    return any(number == _FLOOD or _secret_at(data, at) for number, at in enumerate(_likely(low)))


def _goes_on(low: bytes) -> bool:
    return low[:1] == b"_" or low[:2] == b"p_"


def clean(data: bytes) -> bytes:
    """`data`, which is whole, without secrets."""
    if UNDERSCORE not in data or _BEGINS not in data.lower():
        return data
    return search(data)[0]


def search(data: bytes) -> tuple[bytes, list[Secret]]:
    """The same, and what was found."""
    if UNDERSCORE not in data:
        return data, []
    spans, found = _secrets_in(data, data.lower(), 0)
    return _without(data, spans, 0, len(data)), found


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
        self.is_idle = True  # what comes next has nothing to do with what came before
        self._before: bytes | None = None  # as much of that as matters, as it came; None at first

    def feed(self, data: bytes, ending: bytes = b"") -> bytes:
        """`data` without secrets; `ending` stood behind it in the stream, and is no part of it."""
        before = _guessed(data) if self._before is None else self._before
        text = before + data + ending
        begin, end = len(before), len(before) + len(data)
        low = text.lower()
        spans, self.found = _secrets_in(text, low, begin) if _BEGINS in low else ([], [])
        opens = len(text) - _BEFORE
        for at in _last(low) if _BEGINS in low else ():
            if match := _secret_at(text, at):
                if match.end() == len(text) and not _is_whole(match):
                    opens = min(opens, at - _BEFORE)
            elif match := _OPEN.match(text, at):
                opens = min(opens, at - _BEFORE)
                if len(match[1] or b"") > _HARMLESS and not _DEEP.match(text, at):
                    spans.append(match.span(1))
        self.is_idle = opens == len(text) - _BEFORE and not text[-2:].lower().endswith((b"s", b"sp"))
        self._before = text[max(0, opens) :]
        return _without(text, spans, begin, end)


def _secrets_in(text: bytes, low: bytes, begin: int) -> tuple[list[Span], list[Secret]]:
    """Where they stand, and those that would open something, of which no more are told than MOST; of those that end behind `begin`."""
    spans: list[Span] = []
    found: list[Secret] = []
    for number, at in enumerate(_likely(low)):
        if number == _FLOOD:
            spans += [stretch.span() for stretch in _STRETCH.finditer(text, at)]
            break
        match = _secret_at(text, at)
        if match and match.end() > begin:
            spans.append(match.span(match.lastindex or 0))
            if len(found) < MOST:
                found += _secrets(match)
    return spans, found


def _likely(low: bytes) -> Iterator[int]:
    """Where a secret may stand, of which few are none."""
    at = low.find(_BEGINS)
    for _ in range(_FEW):
        if at < 0:
            return
        if _LOOKS.match(low, at):
            yield at
        at = low.find(_BEGINS, at + 1)
    if at >= 0:
        for look in _LOOKS.finditer(low, at):
            yield look.start()


def _last(low: bytes) -> Iterator[int]:
    """Where something may begin that goes on in the next piece."""
    at = low.find(_BEGINS, max(0, len(low) - _LAST))
    while at >= 0:
        yield at
        at = low.find(_BEGINS, at + 1)


def _secrets(match: re.Match[bytes]) -> list[Secret]:
    """What it would open the panel as, if anything."""
    cookie, token = match.groups()
    if token is not None:
        whole = match[0] if _is_whole(match) else _completed(match[0])
        return [Secret("token", hashlib.sha256(whole).digest())] if whole else []
    is_key = len(cookie) >= KEY and cookie[:KEY].isalnum()
    return [Secret("session", digest_of_key(cookie[:KEY].decode()))] if is_key else []


def _completed(begun: bytes) -> bytes:
    """The token of which this is so much that the rest can be counted; empty for less, and for what is none."""
    secret = begun[: len(_BEGINS) + _TOKEN - _CHECK]
    if len(secret) < len(_BEGINS) + _TOKEN - _CHECK:
        return b""
    whole = secret + _check(secret)
    return whole if whole.startswith(begun) else b""


def told_of(whom: str, *, is_output: bool = False) -> str:
    """What an incident says of it; `is_output`: a command that somebody ran wrote it."""
    did = f"a command of {whom} wrote" if is_output else f"{whom} sent"
    return f"{did} a cookie or a token of Sockpanel: it is not stored, and opens nothing any more"


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
