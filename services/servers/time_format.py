"""strftime formats that strangers may send: which are allowed, and what they mean at a moment.

Only directives from a fixed list, without widths or flags: `%9999999999d` and its kind make libc use gigabytes or give nothing. libc
never sees a stranger's text, only one directive at a time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache

from services.errors import TextMalformed

MAX_FORMAT = 64  # characters
MAX_RESULT = 256  # bytes

# directive -> the longest text that it can mean, in bytes (names of days and months as in the C locale)
DIRECTIVES = {
    **dict.fromkeys("%ntuw", 1),
    **dict.fromkeys("deHIMmpSUVWy", 2),
    **dict.fromkeys("abj", 3),
    **dict.fromkeys("GY", 4),
    **dict.fromkeys("R", 5),
    **dict.fromkeys("f", 6),
    **dict.fromkeys("DTxX", 8),
    **dict.fromkeys("AB", 9),
    **dict.fromkeys("F", 10),
    **dict.fromkeys("z", 15),
    **dict.fromkeys("s", 20),
    **dict.fromkeys("c", 24),
    **dict.fromkeys("Z", 32),
}


def check(text: str) -> None:
    """Raises TextMalformed unless `text` is a format that `render` takes."""
    _checked(text)


def render(text: str, at: datetime) -> str:
    """What the format `text` means at the moment `at`, which has a zone. Raises TextMalformed."""
    return "".join(_rendered(part, at) for part in _checked(text))


@lru_cache(maxsize=256)
def _checked(text: str) -> tuple[str, ...]:
    """Directives (`%Y`) and single characters, in order."""
    if not text:
        raise TextMalformed("The time format is empty: write one such as %Y-%m-%d %X.")
    if len(text) > MAX_FORMAT:
        raise TextMalformed(
            f"The time format has {len(text)} characters and may have {MAX_FORMAT}: write a shorter one."
        )
    if not text.isascii():
        raise TextMalformed(
            "The time format holds characters that are not ASCII: write letters, digits and directives."
        )
    parts = tuple(_parts(text))
    longest = sum(DIRECTIVES[part[1]] if part[0] == "%" else 1 for part in parts)
    if longest > MAX_RESULT:
        raise TextMalformed(f"The time format can mean {longest} bytes and may mean {MAX_RESULT}: write a shorter one.")
    return parts


def _parts(text: str) -> Iterator[str]:
    characters = iter(text)
    for character in characters:
        if character != "%":
            yield character
            continue
        directive = next(characters, "")
        if directive not in DIRECTIVES:
            raise TextMalformed(
                f"The time format has %{directive}, which is no directive here: use %Y %m %d %H %M %S and their kind, "
                "without widths or flags."
            )
        yield character + directive


def _rendered(part: str, at: datetime) -> str:
    if part == "%s":
        return str(int(at.timestamp()))  # libc's takes the time for one of the machine's own zone
    return at.strftime(part) if part[0] == "%" else part


def check_timezone(name: str) -> None:
    """Raises TextMalformed unless `name` is empty or an IANA time zone known here."""
    if name and name not in _names():
        raise TextMalformed(
            f"This machine knows no time zone {name[:64]!r}: write an IANA name such as Europe/Madrid, or leave it empty."
        )


def now(timezone: str) -> datetime:
    """The time in the zone `timezone`; empty for the machine's own."""
    return datetime.now(_zone(timezone)) if timezone else datetime.now(UTC).astimezone()


# zoneinfo is loaded by those who name a zone, and by nobody else: it would lengthen every worker's start.


@cache
def _names() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


@cache
def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
