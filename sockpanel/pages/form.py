"""A server's form: fields with their values and problems for the template, and a POST read back into words.

The sentences beside the fields are those of `configuration`; only what is no number at all is told here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import QueryDict

from services.servers.spec import OPTIONS, TRANSPORTS
from sockpanel.pages.fields import FIELDS, GROUPS, PARTS, Field


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


def groups(values: Mapping[str, Any], problems: Mapping[str, str], warnings: Mapping[str, str]) -> list[Group]:
    """The whole form. A group with a problem is open, whatever it is otherwise."""
    made = []
    for name, title, is_open in GROUPS:
        shown = [
            Shown(field, values.get(field.name, ""), problems.get(field.name, ""), warnings.get(field.name, ""))
            for field in FIELDS
            if field.group == name
        ]
        made.append(Group(name, title, is_open or any(one.problem for one in shown), shown))
    return made


def others(problems: Mapping[str, str]) -> list[str]:
    """Sentences that belong to no field of the form."""
    known = {field.name for field in FIELDS}
    return [sentence for field, sentence in problems.items() if field not in known]


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
    if field.sort == "long":
        return text.replace("\r\n", "\n")  # forms send CRLF for every line end
    return text.strip() if field.group == "basic" or field.sort in ("number", "decimal") else text


def _typed(field: Field, value: Any) -> tuple[Any, str]:
    """The value as `configuration` takes it (None: not given), and what is wrong with it as a number."""
    if field.sort not in ("number", "decimal"):
        return value, ""
    if value == "":
        return (None, "") if field.name != "port" else ("", "")
    try:
        return (int(value) if field.sort == "number" else float(value)), ""
    except ValueError:
        return value, f"{field.label}: write a number, in digits."
