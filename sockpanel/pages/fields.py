"""The fields of a server's form: one table for the page, for script (which hides what does not apply) and for reading a POST.

Kinds, transports and choices come from the spec; it knows no request.
"""

from collections.abc import Mapping
from typing import Any

from services.models import Server
from services.servers.spec import OPTIONS, STREAMS, TRANSPORTS, Framing, Limits, Reply, Tls
from sockpanel.pages.command_fields import COMMAND_FIELDS
from sockpanel.pages.field import Field, choices, literal
from sockpanel.pages.limit_fields import LIMIT_FIELDS
from sockpanel.pages.tls_fields import TLS_FIELDS

KINDS = {
    "tcp": "TCP server",
    "udp": "UDP server",
    "time": "Time server",
    "broadcast-receiver": "Broadcast receiver",
    "broadcast-sender": "Broadcast sender",
    "command": "Remote commands",
}
TRANSPORT_WORDS = {"tcp": "TCP", "unix": "UNIX socket, stream", "udp": "UDP", "unix-dgram": "UNIX socket, datagrams"}
FRAMINGS = {
    "none": "Each read is a message",
    "line": "Lines (LF, CRLF)",
    "delimiter": "A delimiter",
    "fixed": "Fixed size",
    "length": "Length prefix",
}
REPLIES = {
    "none": "Nothing",
    "echo": "The same (echo)",
    "upper": "The same in upper case",
    "timestamp": "The time, then the same",
    "fixed": "A fixed text",
    "suffix": "The same, then a text",
}
STREAM = tuple(sorted(STREAMS))
_all_transports = tuple(dict.fromkeys(name for names in TRANSPORTS.values() for name in names))
_answering = ("tcp", "udp", "broadcast-receiver")
_framed = {"transport": STREAM, "kind": ("tcp", "time")}
_messages = ("tcp", "udp", "time", "broadcast-receiver", "broadcast-sender")

FIELDS = (
    Field(
        "name",
        "Name",
        "basic",
        help="Small letters, digits, - and _; it is part of its address here.",
        placeholder="lab-echo",
    ),
    Field("kind", "Kind", "basic", "choice", choices=choices(tuple(TRANSPORTS), KINDS)),
    Field(
        "transport",
        "Transport",
        "basic",
        "choice",
        choices=choices(_all_transports, TRANSPORT_WORDS),
        when={"kind": ("tcp", "udp", "time")},
    ),
    Field(
        "host",
        "Address",
        "basic",
        help="127.0.0.1 is this machine only, 0.0.0.0 or :: everyone; a path for a UNIX socket.",
        placeholder="127.0.0.1",
    ),
    Field(
        "port",
        "Port",
        "basic",
        "number",
        when={"transport": ("tcp", "udp"), "kind": ("tcp", "udp", "time", "broadcast-receiver", "command")},
        placeholder="9000",
    ),
    Field(
        "reply.type",
        "Answer each message with",
        "reply",
        "choice",
        choices=choices(literal(Reply, "type"), REPLIES),
        when={"kind": _answering},
    ),
    Field(
        "reply.text",
        "Text",
        "reply",
        help="Escapes: \\r \\n \\t \\0 \\xNN \\\\",
        when={"kind": _answering, "reply.type": ("fixed", "suffix")},
    ),
    Field("reply.close", "Close the connection after the first answer", "reply", "switch", when={"kind": ("tcp",)}),
    Field(
        "framing.type",
        "Messages are told apart by",
        "framing",
        "choice",
        choices=choices(literal(Framing, "type"), FRAMINGS),
        when=_framed,
    ),
    Field(
        "framing.delimiter",
        "Delimiter",
        "framing",
        help="Escapes: \\r \\n \\t \\0 \\xNN \\\\",
        when=_framed | {"framing.type": ("delimiter",)},
        placeholder="\\r\\n\\r\\n",
    ),
    Field(
        "framing.size",
        "Bytes",
        "framing",
        "number",
        help="Of a message (fixed size), or of the prefix: 1, 2, 4 or 8.",
        when=_framed | {"framing.type": ("fixed", "length")},
    ),
    Field(
        "framing.order",
        "Byte order",
        "framing",
        "choice",
        choices=(("big", "big-endian"), ("little", "little-endian")),
        when=_framed | {"framing.type": ("length",)},
    ),
    Field(
        "framing.includes_itself",
        "The length counts the prefix too",
        "framing",
        "switch",
        when=_framed | {"framing.type": ("length",)},
    ),
    Field(
        "framing.max_bytes",
        "Longest message, bytes",
        "framing",
        "number",
        when=_framed | {"framing.type": ("line", "delimiter", "fixed", "length")},
    ),
    Field(
        "options.format",
        "Format",
        "options",
        help="Answer to an empty request, as strftime writes it.",
        when={"kind": ("time",)},
    ),
    Field(
        "options.timezone",
        "Time zone",
        "options",
        help="An IANA name; empty for this machine's own.",
        when={"kind": ("time",)},
        placeholder="Europe/Berlin",
    ),
    Field(
        "options.message",
        "Message",
        "options",
        help="Escapes: \\r \\n \\t \\0 \\xNN \\\\",
        when={"kind": ("broadcast-sender",)},
    ),
    Field(
        "options.destination",
        "Destination",
        "options",
        help="A broadcast address and a port.",
        when={"kind": ("broadcast-sender",)},
    ),
    Field("options.interval", "Every … seconds", "options", "decimal", when={"kind": ("broadcast-sender",)}),
    Field("options.count", "How often", "options", "number", help="0: for ever.", when={"kind": ("broadcast-sender",)}),
    *COMMAND_FIELDS,
    *TLS_FIELDS,
    Field(
        "restart",
        "Restart its worker",
        "running",
        "choice",
        choices=tuple((value, str(label)) for value, label in Server.Restart.choices),
    ),
    Field("autostart", "Start together with Sockpanel", "running", "switch"),
    Field(
        "retention.rows",
        "Keep messages",
        "keeping",
        "number",
        help="The oldest go first. Empty: no limit of this sort.",
    ),
    Field("retention.bytes", "Keep bytes", "keeping", "number"),
    Field("retention.age", "Keep seconds", "keeping", "number"),
    Field(
        "limits.keep_bytes",
        "Keep of each message, bytes",
        "keeping",
        "number",
        help="The size noted is always the true one.",
    ),
    *LIMIT_FIELDS,
    Field(
        "limits.reply_after_commit",
        "Answer only once a message is stored",
        "limits",
        "switch",
        when={"kind": _messages},
    ),
    Field("notes", "Notes", "notes", "long"),
)

GROUPS = (
    ("basic", "", True),
    ("reply", "Answer", True),
    ("framing", "Framing", True),
    ("options", "Options", True),
    ("tls", "Encryption (TLS)", False),
    ("running", "Running", False),
    ("keeping", "What is kept", False),
    ("limits", "Limits", False),
    ("waiting", "Patience", False),
    ("access", "Who is let in", False),
    ("notes", "Notes", False),
)

PARTS = ("framing", "reply", "options", "limits", "tls", "retention")


def defaults() -> dict[str, Any]:
    """Field name -> value of a new server."""
    values: dict[str, Any] = {
        "kind": "tcp",
        "transport": "tcp",
        "host": "127.0.0.1",
        "restart": "on-failure",
        "retention.rows": 100_000,
    }
    for part, made in (("framing", Framing()), ("reply", Reply()), ("limits", Limits()), ("tls", Tls())):
        values |= {f"{part}.{name}": getattr(made, name) for name in made.__struct_fields__}
    for options in set(OPTIONS.values()):
        values |= {f"options.{name}": getattr(options(), name) for name in options.__struct_fields__}
    return values


def values_of(server: Mapping[str, Any]) -> dict[str, Any]:
    """Field name -> value of a SERVER object (or of a preset), over the defaults."""
    values = defaults() | {
        name: server[name]
        for name in ("name", "kind", "transport", "host", "port", "restart", "autostart", "notes")
        if name in server
    }
    if "retention" in server:
        values.pop("retention.rows")
    for part in PARTS:
        values |= {f"{part}.{name}": value for name, value in (server.get(part) or {}).items()}
    return values
