"""What msgspec says of a part that makes no sense -> the field, and a sentence in our words that says what would.

refused("framing", Framing, "Invalid enum value 'zzz' - at `$.type`")
# ("framing.type", "framing.type is one of none, line, delimiter, fixed, length.")
refused("options", CommandOptions, "Expected `str`, got `int` - at `$.commands[0].id`")
# ("options.commands.0.id", "options.commands.0.id is a text.")
"""

import re
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

_SAID = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>(?:\.[a-z_]+|\[[0-9]+\])+)`)?", re.DOTALL)
_STEP = re.compile(r"\.([a-z_]+)|\[([0-9]+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_IS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: "null"}


def refused(name: str, part: type[msgspec.Struct], said: str) -> tuple[str, str]:
    """`name` is where a server has the `part`, `said` the text of the ValidationError."""
    found = _SAID.fullmatch(said)
    what, path = (found["what"], found["path"] or "") if found else (said, "")
    place, kind = _walked(name, part, path)
    fields = _fields(kind)
    if unknown := _UNKNOWN.fullmatch(what):
        has = f"it has {', '.join(fields)}" if fields else "this kind of server has none"
        return place, f"{place} has no field {unknown[1][:64]!r}: {has}."
    if (missing := _MISSING.fullmatch(what)) and missing[1] in fields:
        place, kind = _walked(place, kind, f".{missing[1]}")
        return place, f"{place} is missing: it is {_choices(kind)}."
    return place, f"{place} is {_choices(kind)}."


def _walked(name: str, part: Any, path: str) -> tuple[str, Any]:
    """The place that the path leads to, and its type; where it leads nowhere, whence it came."""
    place, kind = name, part
    for field, number in _STEP.findall(path):
        if field in _fields(kind):
            kind = get_type_hints(_struct(kind))[field]
        elif number and get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        else:
            return name, part
        place += f".{field or number}"
    return place, kind


def _struct(kind: Any) -> Any:
    """The struct that a value of this type may be; None when it may be none."""
    kinds = get_args(kind) if get_origin(kind) in (UnionType, Union) else (kind,)
    return next((each for each in kinds if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)


def _fields(kind: Any) -> tuple[str, ...]:
    struct = _struct(kind)
    return () if struct is None else struct.__struct_fields__


def _choices(kind: Any) -> str:
    """What a value of this type may be."""
    origin = get_origin(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if origin is tuple:
        return f"a list; each of it is {_choices(get_args(kind)[0])}"
    if origin in (UnionType, Union):
        return " or ".join(_choices(each) for each in get_args(kind))
    if _struct(kind) is not None:
        return f"an object with {', '.join(_fields(kind)) or 'no fields'}"
    return _IS[kind]
