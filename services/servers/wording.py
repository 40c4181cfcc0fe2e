"""What msgspec says of a part that makes no sense -> the field, and a sentence in our words that says what would.

refused("framing", Framing, "Invalid enum value 'zzz' - at `$.type`")
# ("framing.type", "framing.type is one of none, line, delimiter, fixed, length.")
"""

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_IS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def refused(name: str, part: type[msgspec.Struct], said: str) -> tuple[str, str]:
    """`name` is where a server has the `part`, `said` the text of the ValidationError."""
    fields = ", ".join(part.__struct_fields__)
    if unknown := _UNKNOWN.fullmatch(said):
        has = f"it has {fields}" if fields else "this kind of server has none"
        return name, f"{name} has no field {unknown[1][:64]!r}: {has}."
    field = said.partition(" - at `$.")[2].rstrip("`")
    if field in part.__struct_fields__:
        return f"{name}.{field}", f"{name}.{field} is {_choices(get_type_hints(part)[field])}."
    return name, f"{name} is an object with {fields or 'no fields'}."


def _choices(kind: Any) -> str:
    """What a field of this type may be."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    return _IS[kind]
