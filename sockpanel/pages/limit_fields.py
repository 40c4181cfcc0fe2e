"""The fields of a server's form that are about its limits: what it takes, from whom, and how long it waits."""

from services.servers.spec import STREAMS
from sockpanel.pages.field import Field

_STREAM = {"transport": tuple(sorted(STREAMS))}
_NETWORK = {"transport": ("tcp", "udp"), "kind": ("tcp", "udp", "time", "broadcast-receiver", "command")}
_TCP = {"transport": ("tcp",)}
_MESSAGES = {"transport": ("tcp", "udp"), "kind": ("tcp", "udp", "time", "broadcast-receiver")}
_ANSWERS = {"transport": ("udp",), "kind": ("udp", "time", "broadcast-receiver")}
_TALK = _STREAM | {"kind": ("tcp", "time")}  # remote commands have deadlines of their own
_FRAMED = _TALK | {"framing.type": ("line", "delimiter", "fixed", "length")}
_NONE = "0: no limit."

LIMIT_FIELDS = (
    Field("limits.connections", "Connections at once", "limits", "number", help="Further ones wait.", when=_STREAM),
    Field(
        "limits.connections_per_source",
        "Connections of one source",
        "limits",
        "number",
        help=f"Further ones are refused. {_NONE}",
        when=_TCP,
    ),
    Field(
        "limits.accepts_per_second",
        "New connections of one source, a second",
        "limits",
        "decimal",
        help=f"Further ones are refused. {_NONE}",
        when=_TCP,
    ),
    Field(
        "limits.messages_per_second",
        "Messages of one source, a second",
        "limits",
        "decimal",
        help=f"Beyond it a connection is read more slowly, a datagram is dropped. {_NONE}",
        when=_MESSAGES,
    ),
    Field(
        "limits.replies_per_source",
        "Answers to one source, a second",
        "limits",
        "decimal",
        help=f"This machine and private networks are spared. {_NONE}",
        when=_ANSWERS,
    ),
    Field("limits.replies_per_second", "Answers in all, a second", "limits", "decimal", help=_NONE, when=_ANSWERS),
    Field(
        "limits.first_byte_timeout",
        "Close who says nothing at first for, seconds",
        "waiting",
        "decimal",
        help="0: never.",
        when=_TALK,
    ),
    Field(
        "limits.idle_timeout", "Close who is silent for, seconds", "waiting", "decimal", help="0: never.", when=_TALK
    ),
    Field(
        "limits.frame_timeout",
        "Close whose message is not complete after, seconds",
        "waiting",
        "decimal",
        help="0: never.",
        when=_FRAMED,
    ),
    Field("limits.write_timeout", "Close who reads nothing for, seconds", "waiting", "decimal", when=_STREAM),
    Field(
        "limits.allow",
        "Networks that are let in",
        "access",
        "lines",
        help="One a line, such as `10.0.0.0/8` or `2001:db8::7`. Empty: everybody.",
        when=_NETWORK,
    ),
    Field(
        "limits.deny",
        "Networks that are not",
        "access",
        "lines",
        help="One a line; it counts before those that are let in.",
        when=_NETWORK,
    ),
    Field(
        "limits.trusted",
        "Networks without limits of their own",
        "access",
        "lines",
        help="One a line: the limits of a source, and those of answers, do not apply to them.",
        when=_NETWORK,
    ),
)
