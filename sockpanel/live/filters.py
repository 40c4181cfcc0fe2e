r"""What a person types to see only some messages -> a history.Query, and whether a message fits it.

    query = parse('dir:in conn:7 text:"GET /" hex:0d0a')
    matches(query, message)

All terms hold together. A word without a known prefix, and anything in double quotes (\" and \\ inside), is text; text is compared
byte by byte, large and small letters apart.
"""

import re
from typing import Literal

from services import numbers
from services.errors import RequestRefused, TextMalformed
from services.history import MessageOut, Query
from services.payload import payload

MAX_TERMS = 16
_TERM = re.compile(r'\s*(?:(?P<key>dir|conn|text|hex):)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>\S+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parse(text: str) -> Query:
    """Raises RequestRefused, field `filter`, for what makes no sense."""
    directions, connections, needles = [], [], []
    for key, value in _terms(text):
        if key == "dir":
            directions.append(_direction(value))
        elif key == "conn":
            connections.append(_connection(value))
        else:
            needles.append(_needle(key, value))
    if len(directions) > 1 or len(connections) > 1:
        raise _refused("dir: and conn: may stand there once each.")
    return Query(
        direction=directions[0] if directions else None,
        connection=connections[0] if connections else None,
        contains=tuple(needles),
    )


def _terms(text: str) -> list[tuple[str, str]]:
    found, position, text = [], 0, text.strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (match["bare"] or "").startswith('"'):
            raise _refused('A quotation mark has no partner: close it, or write \\" inside of quotes.')
        value = match["bare"] if match["quoted"] is None else _ESCAPED.sub(r"\1", match["quoted"])
        found.append((match["key"] or "text", value))
        position = match.end()
    if len(found) > MAX_TERMS:
        raise _refused(f"It has {len(found)} terms and may have {MAX_TERMS}.")
    return found


def _direction(value: str) -> Literal["in", "out"]:
    match value:
        case "in" | "out":
            return value
    raise _refused(f"dir: takes in or out, not {value!r}.")


def _connection(value: str) -> int:
    number = numbers.whole(value)
    if number is None:
        raise _refused(f"conn: takes the number of a connection, not {value!r}.")
    return number


def _needle(key: str, value: str) -> bytes:
    if key == "text":
        return value.encode("utf-8", "surrogatepass")
    try:
        return payload(value, "hex")
    except TextMalformed as error:
        raise _refused(f"hex: {error.message}") from None


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(f"The filter makes no sense: {reason}", field="filter")


def matches(query: Query, message: MessageOut) -> bool:
    """Whether the message fits every term."""
    return (
        (query.direction is None or message.direction == query.direction)
        and (query.connection is None or message.connection == query.connection)
        and all(needle in message.data for needle in query.contains)
    )


def is_empty(query: Query) -> bool:
    """Whether it lets everything through."""
    return query.direction is None and query.connection is None and not query.contains


def matches_connection(query: Query, number: int) -> bool:
    """Whether the opening or closing of a connection is worth a line beside the messages that fit."""
    return query.direction is None and not query.contains and query.connection in (None, number)
