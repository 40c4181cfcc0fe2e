"""`--set framing.type=line`: a server's fields from the command line, each value read as its field's type.

fields(["framing.type=line", "limits.connections=10"]) == {"framing": {"type": "line"}, "limits": {"connections": 10}}
"""

from collections.abc import Iterable
from typing import Any, get_origin

import msgspec

from services.errors import RequestRefused
from services.servers.spec import OPTIONS, Framing, Limits, Reply, Tls

_PARTS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "framing": (Framing,),
    "reply": (Reply,),
    "limits": (Limits,),
    "tls": (Tls,),
    "options": tuple(OPTIONS.values()),
}
_VALUES = {"port", "autostart"}  # whole fields that are no text


def fields(assignments: Iterable[str]) -> dict[str, Any]:
    """The fields that `assignments` mean, `part.field=value` as a mapping inside. Raises RequestRefused."""
    found: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals or not path:
            raise RequestRefused(
                f"{assignment!r} is no assignment: write field=value, such as framing.type=line.", field="set"
            )
        part, dot, field = path.partition(".")
        if not dot:
            found[part] = _whole(part, value)
        else:
            inside = found.setdefault(part, {})
            if not isinstance(inside, dict):
                raise RequestRefused(f"{part} is set twice: whole, and as {path}.", field="set")
            inside[field] = _typed(part, field, value)
    return found


def _whole(part: str, value: str) -> Any:
    return _value(value) if part in _VALUES or part in _PARTS or part == "retention" else value


def _typed(part: str, field: str, value: str) -> Any:
    """Texts as they are; lists as JSON, or with commas between; all else as JSON."""
    kinds = [one.type for known in _PARTS.get(part, ()) for one in msgspec.structs.fields(known) if one.name == field]
    if kinds and all(get_origin(kind) is tuple for kind in kinds):
        read = _value(value)
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(read, str) else read
    is_text = bool(kinds) and all(kind is str or get_origin(kind) is not None for kind in kinds)
    return value if is_text else _value(value)


def _value(value: str) -> Any:
    """A JSON value where it is one, else the text: the check of the server says what is wrong with it."""
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
