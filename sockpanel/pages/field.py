"""One input of a server's form. It knows neither the form nor a server."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args, get_type_hints

Sort = Literal["text", "number", "decimal", "choice", "switch", "long", "lines", "json"]


class Field(NamedTuple):
    """One input. `when` says beside which other choices it applies: {"framing.type": ("fixed", "length")}."""

    name: str
    label: str
    group: str
    sort: Sort = "text"
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    when: Mapping[str, tuple[str, ...]] = {}
    placeholder: str = ""
    is_grave: bool = False  # what it allows is dangerous

    @property
    def id(self) -> str:
        return "f-" + self.name.replace(".", "-").replace("_", "-")


def literal(part: type, field: str) -> tuple[str, ...]:
    return get_args(get_type_hints(part)[field])


def choices(values: tuple[str, ...], words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((value, words.get(value, value)) for value in values)
