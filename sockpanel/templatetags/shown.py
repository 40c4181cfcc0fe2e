"""How templates show what came from outside, and numbers and times: `{{ message.data|head|marked }}`, `{{ peer|visible }}`."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from services.servers.spec import TRANSPORTS
from sockpanel import visible as shown

HEAD_BYTES = 192  # of a message in a row; the inspector asks for the rest

COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
BREAKS = re.compile(rb"([\n\t])")

register = template.Library()


@register.filter
def head(data: bytes, most: int = HEAD_BYTES) -> bytes:
    """The beginning of a message, as much as a row shows."""
    return data if len(data) <= most else shown.whole_characters(data[:most])


@register.filter
def marked(data: bytes) -> SafeString:
    """Bytes as escaped text; what cannot be shown as itself stands in <span class="mark">."""
    return format_html_join(
        "",
        "{}",
        ((format_html('<span class="mark">{}</span>', text) if mark else text,) for text, mark in shown.pieces(data)),
    )


@register.filter
def marked_lines(data: bytes) -> SafeString:
    """What a command wrote: lines stay lines and tabs tabs, colours go (script shows them), everything else is as in `marked`."""
    text = COLOUR.sub(b"", data).replace(b"\r\n", b"\n")
    return format_html_join(
        "", "{}", ((part.decode() if part in (b"\n", b"\t") else marked(part),) for part in BREAKS.split(text))
    )


@register.filter
def visible(text: str) -> str:
    """A string from outside (a peer, a reason, a line of stderr) with nothing hidden in it."""
    return shown.visible_text(text)


@register.filter
def visible_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(shown.visible_text(line) for line in text.splitlines())


@register.filter
def ticked(text: str) -> SafeString:
    """Our own words with `code` in back ticks, as <code> elements."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if index % 2 else part,) for index, part in enumerate(parts))
    )


@register.filter
def plain(text: str) -> str:
    """A sentence (a reason, a name for a screen reader) with nothing hidden in it, and without its back ticks."""
    return shown.visible_text(text).replace("`", "")


@register.filter
def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


@register.filter
def count(number: int | None) -> str:
    """1240 -> 1,240"""
    return f"{number or 0:,}"


@register.filter
def size(number: int | None) -> str:
    """1536 -> 1.5 KiB"""
    value, units = float(number or 0), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:,.1f}".removesuffix(".0") + f" {units[0]}"


@register.filter
def clock(at: str) -> str:
    """`10:11:12.000`, UTC, of an RFC 3339 time; script shows it in the reader's zone."""
    return at[11:23]


@register.filter
def moment(at: str) -> str:
    """`2026-11-20 10:11:12`, UTC, of an RFC 3339 time; script shows it in the reader's zone."""
    return at[:19].replace("T", " ")


@register.filter
def utc(at: str) -> str:
    """`2026-11-20 10:11:12.000345 UTC`"""
    return at.replace("T", " ").replace("Z", " UTC")


@register.filter
def lasting(since: str) -> str:
    """How long since an RFC 3339 time, in its two largest units: `1 h 1 min`."""
    left = max(0, int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()))
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        whole, left = divmod(left, length)
        if whole or (unit == "s" and not parts):
            parts.append(f"{whole} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


@register.filter
def between(start: str, end: str) -> str:
    """How long from one RFC 3339 time to another, in seconds below a minute."""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:,.0f} min"


@register.filter
def sort(server: Mapping[str, Any]) -> str:
    """Kind and, where it is not the usual one, transport: `tcp`, `time over tcp`."""
    kind, transport = server["kind"], server["transport"]
    usual = TRANSPORTS.get(kind, ("",))[0]
    return kind if transport == usual else f"{kind} over {transport}"


@register.filter
def is_unwell(server: Mapping[str, Any]) -> bool:
    """Whether the reason of its state is worth reading: not that of a start or stop as asked for."""
    if server["state"] == "STOPPED":
        return bool(server["reason"]) and server["wanted"] == "running"
    return bool(server["reason"]) and server["state"] in ("FATAL", "BACKOFF", "EXITED")


@register.filter
def lane(connection: int) -> int:
    """Which of the eight lane colours a connection has."""
    return connection % 8
