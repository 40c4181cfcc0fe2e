"""A person's words for a server -> the fields of a Server row: the spec's part by `validation`, the rest here.

fields = complete({"preset": "echo", "name": "lab", "port": 9100})
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from django.conf import settings

from services import own_directory
from services.errors import ConfigurationRefused, PresetUnknown
from services.models import Server, default_retention
from services.presets import PRESETS
from services.servers import validation
from services.servers.spec import ServerSpec
from services.tls import uses as certificates

SPEC = ("name", "kind", "transport", "host", "port", "framing", "reply", "options", "limits", "tls")
PARTS = ("framing", "reply", "options", "limits", "tls")
BESIDES = ("restart", "autostart", "retention", "node", "notes")
RETENTION = {"rows": (1, 1_000_000_000), "bytes": (1, 1 << 50), "age": (1, 10 * 366 * 86_400)}
MAX_NOTES = 10_000


def complete(words: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of a new server. Raises ConfigurationRefused with all problems, or PresetUnknown."""
    words = dict(words)
    preset = words.pop("preset", None)
    if preset is not None:
        if not isinstance(preset, str) or preset not in PRESETS:
            raise PresetUnknown(
                f"There is no preset {str(preset)[:64]!r}: choose one of {', '.join(PRESETS)}.", field="preset"
            )
        words = merge({"name": preset, **PRESETS[preset].server}, words)
    return check({"restart": Server.Restart.ON_FAILURE, "node": settings.SOCKPANEL_NODE, **words})


def changed(server: Server, words: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of `server` once `words` are applied; parts are merged (RFC 7396), options start anew with a new kind."""
    before = fields_of(server)
    if words.get("kind", server.kind) != server.kind:
        before |= {"options": {}, "transport": ""}
    return check(merge(before, words))


def merge(before: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """`words` over `before`; mappings inside are merged one level deep, and null takes a key away."""
    merged = {**before, **words}
    for part in (*PARTS, "retention"):
        if isinstance(before.get(part), Mapping) and isinstance(words.get(part), Mapping):
            both = {**before[part], **words[part]}
            merged[part] = {key: value for key, value in both.items() if value is not None}
    return merged


def check(words: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are saved. Raises ConfigurationRefused with every problem at once."""
    problems: dict[str, str] = {
        str(field): f"{field!r} is no field of a server."
        for field in words
        if field not in SPEC and field not in BESIDES
    }
    fields: dict[str, Any] = {}
    try:
        fields = spec_fields(validation.build({field: words.get(field) for field in SPEC}))
    except ConfigurationRefused as error:
        problems |= error.problems
    if inside := own_directory.objection(fields.get("transport", ""), fields.get("host", "")):
        problems["host"] = inside
    problems |= certificates.problems(fields.get("tls", {}))
    fields |= _besides(words, problems)
    if problems:
        raise ConfigurationRefused(" ".join(problems.values()), problems=problems)
    return fields


def spec_fields(spec: ServerSpec) -> dict[str, Any]:
    """As they are saved: lists where the spec has tuples."""
    return {field: msgspec.json.decode(msgspec.json.encode(getattr(spec, field))) for field in SPEC}


def spec_of(server: Server) -> ServerSpec:
    """Raises ConfigurationRefused where the row came from elsewhere and makes no sense."""
    return validation.build({field: getattr(server, field) for field in SPEC})


def fields_of(server: Server) -> dict[str, Any]:
    """All that is configured, as it stands in the row."""
    return {field: getattr(server, field) for field in (*SPEC, *BESIDES)}


def meant_by(server: Server) -> dict[str, Any]:
    """The same with every field of every part: rows of earlier versions lack those that came since, and mean their defaults."""
    try:
        return fields_of(server) | spec_fields(spec_of(server))
    except ConfigurationRefused:
        return fields_of(server)


def _besides(words: Mapping[str, Any], problems: dict[str, str]) -> dict[str, Any]:
    restart, node, notes = words.get("restart"), words.get("node"), words.get("notes") or ""
    autostart = words.get("autostart") or False
    if restart not in Server.Restart.values:
        problems["restart"] = f"restart is one of {', '.join(Server.Restart.values)}."
    if not isinstance(autostart, bool):
        problems["autostart"] = "autostart is true or false."
    if not isinstance(node, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", node):
        problems["node"] = "A node's name is 1 to 63 small letters, digits, - or _."
    if not isinstance(notes, str) or len(notes) > MAX_NOTES or "\0" in notes:
        problems["notes"] = f"Notes are a text of up to {MAX_NOTES:,} characters."
    return {
        "restart": restart,
        "autostart": autostart,
        "retention": _retention(words.get("retention"), problems),
        "node": node,
        "notes": notes,
    }


def _retention(value: Any, problems: dict[str, str]) -> dict[str, int]:
    if value is None:
        return default_retention()
    if not isinstance(value, Mapping) or not set(value) <= set(RETENTION):
        problems["retention"] = 'Retention is {"rows": ..., "bytes": ..., "age": seconds}, each of them optional.'
        return {}
    for key, number in value.items():
        low, high = RETENTION[key]
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            problems[f"retention.{key}"] = f"retention.{key} is a whole number from {low} to {high:,}."
    return dict(value)
