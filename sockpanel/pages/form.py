"""A server's form: fields with their values and problems for the template, and a POST read back into words.

The sentences beside the fields are those of `configuration`; only what is no number at all is told here.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from django.http import QueryDict

from services import numbers
from services.servers.spec import OPTIONS, TRANSPORTS
from sockpanel.pages.field import Field
from sockpanel.pages.fields import FIELDS, GROUPS, PARTS

Choices = tuple[tuple[str, str], ...]


class Shown(NamedTuple):
    """A field as the template needs it."""

    field: Field
    value: Any
    problem: str
    warning: str


class Group(NamedTuple):
    """Fields that stand together; `is_open` ones are not folded away."""

    name: str
    title: str
    is_open: bool
    fields: list[Shown]


def groups(
    values: Mapping[str, Any],
    problems: Mapping[str, str],
    warnings: Mapping[str, str],
    without: tuple[str, ...] = (),
    offered: Mapping[str, Choices] | None = None,
) -> list[Group]:
    """The whole form. A group with a problem is open, whatever it is otherwise.

    `without`: kinds that are not on offer; `offered`: field -> its choices, where they are not always the same.
    """
    made = []
    for name, title, is_open in GROUPS:
        shown = [
            Shown(
                _offered(field, without, offered or {}),
                _shown(field, values),
                _problem(field, problems),
                warnings.get(field.name, ""),
            )
            for field in FIELDS
            if field.group == name
        ]
        made.append(Group(name, title, is_open or _matters(name, shown, values), shown))
    return made


def _matters(name: str, shown: list[Shown], values: Mapping[str, Any]) -> bool:
    """Whether a folded group is open all the same: something is wrong in it, or the server speaks TLS."""
    return any(one.problem for one in shown) or (name == "tls" and values.get("tls.mode") == "on")


def others(problems: Mapping[str, str]) -> list[str]:
    """Sentences that belong to no field of the form."""
    return [sentence for name, sentence in problems.items() if not any(_is_about(field, name) for field in FIELDS)]


def _is_about(field: Field, name: str) -> bool:
    """Whether a problem named `name` belongs to the field: `options.commands.0.program` does to `options.commands`."""
    return name == field.name or name.startswith(f"{field.name}.")


def _offered(field: Field, without: tuple[str, ...], offered: Mapping[str, Choices]) -> Field:
    if field.name != "kind":
        return field._replace(choices=offered.get(field.name, field.choices))
    return field._replace(choices=tuple(choice for choice in field.choices if choice[0] not in without))


def _problem(field: Field, problems: Mapping[str, str]) -> str:
    return " ".join(sentence for name, sentence in problems.items() if _is_about(field, name))


def _shown(field: Field, values: Mapping[str, Any]) -> Any:
    value = values.get(field.name, "")
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.10g}"
    if field.sort == "lines":
        return "\n".join(value)
    return _lines(value) if field.sort == "json" else value


def _lines(items: Iterable[Any]) -> str:
    """A JSON list with one item a line."""
    lines = [json.dumps(msgspec.to_builtins(item), ensure_ascii=False) for item in items]
    return "[\n  " + ",\n  ".join(lines) + "\n]" if lines else "[]"


def read(post: QueryDict) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """(words for `configuration`, values to show again, problems) of a POST. Fields that do not apply are left out."""
    values: dict[str, Any] = {field.name: _value(field, post) for field in FIELDS}
    _fit_transport(values)
    words: dict[str, Any] = {part: {} for part in PARTS}
    problems: dict[str, str] = {}
    for field in FIELDS:
        if not applies(field, values):
            continue
        value, problem = _typed(field, values[field.name])
        if problem:
            problems[field.name] = problem
        part, _, name = field.name.rpartition(".")
        if value is not None:
            (words[part] if part else words)[name] = value
    return words, values, problems


def applies(field: Field, values: Mapping[str, Any]) -> bool:
    """Whether the choices made so far leave this field a meaning."""
    if field.group == "options" and not hasattr(OPTIONS.get(values["kind"], object)(), field.name.partition(".")[2]):
        return False
    return all(values.get(other) in allowed for other, allowed in field.when.items())


def _fit_transport(values: dict[str, Any]) -> None:
    """A transport that the kind does not have is the kind's first: without script all are on offer."""
    allowed = TRANSPORTS.get(values["kind"], ())
    if allowed and values["transport"] not in allowed:
        values["transport"] = allowed[0]


def _value(field: Field, post: QueryDict) -> Any:
    """What was typed. Blanks around it mean nothing in names, addresses and numbers, and are bytes in texts."""
    if field.sort == "switch":
        return field.name in post
    text = post.get(field.name, "")
    if field.sort in ("long", "lines", "json"):
        return text.replace("\r\n", "\n")  # forms send CRLF for every line end
    return text.strip() if field.group == "basic" or field.sort in ("number", "decimal") else text


def _typed(field: Field, value: Any) -> tuple[Any, str]:
    """The value as `configuration` takes it (None: not given), and what is wrong with it as a number or as JSON."""
    if field.sort == "json":
        return _parsed(field, value)
    if field.sort == "lines":
        return [line.strip() for line in value.splitlines() if line.strip()], ""
    if field.sort not in ("number", "decimal"):
        return (None if field.sort == "choice" and value == "" else value), ""
    if value == "":
        return (None, "") if field.name != "port" else ("", "")
    number = numbers.signed(value) if field.sort == "number" else numbers.decimal(value)
    return (value, f"{field.label}: write a number, in digits.") if number is None else (number, "")


def _parsed(field: Field, text: str) -> tuple[Any, str]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        return text, f"{field.label}: this is no JSON: {error}."
    return found, "" if isinstance(found, list) else f"{field.label}: write a list, `[...]`."
