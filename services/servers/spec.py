"""What a server should be: ServerSpec and its parts, frozen.

It knows no socket, no process and no database; `validation.build` makes one from a person's words, and only a spec that came from
there is run.

    spec = validation.build({"name": "echo", "kind": "tcp", "port": 8007, "reply": {"type": "echo"}})
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from services.servers.commands.options import CommandOptions

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")  # of a server, a certificate, a client of one
KEEP_BYTES = 64 * 1024
MAX_KEEP_BYTES = 1024 * 1024
MAX_FRAME_BYTES = 16 * 1024 * 1024

Kind = Literal["tcp", "udp", "time", "broadcast-receiver", "broadcast-sender", "command"]
Transport = Literal["tcp", "unix", "udp", "unix-dgram"]
Restart = Literal["never", "on-failure", "always"]

# kind -> the transports it can use, its default first
TRANSPORTS: dict[str, tuple[str, ...]] = {
    "tcp": ("tcp", "unix"),
    "udp": ("udp", "unix-dgram"),
    "time": ("udp", "tcp"),
    "broadcast-receiver": ("udp",),
    "broadcast-sender": ("udp",),
    "command": ("tcp",),
}
STREAMS = frozenset({"tcp", "unix"})
UNIX = frozenset({"unix", "unix-dgram"})


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a spec; a field that it does not know is refused."""


class Framing(Part):
    """Where one message ends and the next begins in a stream of bytes."""

    type: Literal["none", "line", "delimiter", "fixed", "length"] = "none"
    size: int = 0  # fixed: bytes in a message; length: bytes in the prefix (1, 2, 4 or 8)
    delimiter: str = ""  # text with escapes (\r \n \t \0 \\ \xNN)
    order: Literal["big", "little"] = "big"
    includes_itself: bool = False  # the prefix counts its own bytes too
    max_bytes: int = 1024 * 1024  # the longest message; longer ones end the connection


class Reply(Part):
    """What a message is answered with."""

    type: Literal["none", "echo", "upper", "timestamp", "fixed", "suffix"] = "none"
    text: str = ""  # fixed, suffix: text with escapes
    close: bool = False  # a one-shot server: close after the first answer


class Limits(Part):
    """What one server may take. A source is an IPv4 address or the /64 of an IPv6 one; none is limited on loopback.

    0 means no limit, where a limit may be missing. Private networks are exempt from the reply rates.
    """

    keep_bytes: int = KEEP_BYTES  # stored of each message
    reply_after_commit: bool = False  # answer only once the message is stored
    connections: int = 1000  # open at once; further ones wait in the kernel's backlog
    connections_per_source: int = 64  # open at once; further ones are refused
    accepts_per_second: float = 50.0  # new connections of one source; further ones are refused
    messages_per_second: float = 0.0  # of one source; beyond it a stream is read more slowly, a datagram is dropped
    replies_per_source: float = 10.0  # answers a second to one datagram source, with a burst of twice as many
    replies_per_second: float = 1000.0  # answers a second of a datagram server in all
    first_byte_timeout: float = 0.0  # seconds that a new connection may say nothing
    idle_timeout: float = 0.0  # seconds that a connection may be silent, both ways
    frame_timeout: float = 30.0  # seconds from the first byte of a frame to its last
    write_timeout: float = 30.0  # seconds a peer may leave what we send unread
    allow: tuple[str, ...] = ()  # networks (CIDR) that are let in; none named: all
    deny: tuple[str, ...] = ()  # networks that are not, whatever `allow` says
    trusted: tuple[str, ...] = ()  # networks exempt from the limits of sources, reply rates, and the length of answers


class Tls(Part):
    """Whether a TCP server speaks TLS, and with what. Certificates and authorities are named: what they are is told to the worker."""

    mode: Literal["off", "on"] = "off"
    certificate: str = ""  # the name of one that the panel keeps, with its key
    client: Literal["none", "optional", "required"] = "none"  # whether clients show a certificate of their own
    client_ca: str = ""  # the name of the authority that vouches for theirs
    minimum: Literal["1.2", "1.3"] = "1.2"  # the oldest version that is spoken


class NoOptions(Part):
    """A kind without options."""


class TimeOptions(Part):
    """How a time server answers."""

    format: str = "%Y-%m-%d %X"
    timezone: str = ""  # an IANA name; empty for the machine's own


class BroadcastSenderOptions(Part):
    """What is broadcast where, and how often."""

    message: str = "sockpanel"  # text with escapes
    interval: float = 1.0  # seconds
    destination: str = "255.255.255.255:9999"
    count: int = 0  # 0: for ever


OPTIONS: dict[str, type[msgspec.Struct]] = {
    "tcp": NoOptions,
    "udp": NoOptions,
    "time": TimeOptions,
    "broadcast-receiver": NoOptions,
    "broadcast-sender": BroadcastSenderOptions,
    "command": CommandOptions,
}


class ServerSpec(Part):
    """A server, as it should be."""

    name: str
    kind: Kind
    transport: Transport
    host: str  # an IPv4 or IPv6 address; for UNIX transports a path
    port: int  # 0 for UNIX transports and for a broadcast sender
    framing: Framing = Framing()
    reply: Reply = Reply()
    options: TimeOptions | BroadcastSenderOptions | CommandOptions | NoOptions = NoOptions()
    limits: Limits = Limits()
    tls: Tls = Tls()

    @property
    def is_stream(self) -> bool:
        return self.transport in STREAMS

    @property
    def is_unix(self) -> bool:
        return self.transport in UNIX

    @property
    def speaks_tls(self) -> bool:
        return self.tls.mode == "on"

    @property
    def address(self) -> str:
        """The address as people write it: `ip:port`, `[ip6]:port` or a path."""
        return self.host if self.is_unix else join_address(self.host, self.port)


def restore(fields: Mapping[str, Any]) -> ServerSpec:
    """The spec that `msgspec.to_builtins` took apart into `fields`. Raises msgspec.ValidationError, KeyError or TypeError."""
    parts = {"framing": Framing, "reply": Reply, "limits": Limits, "tls": Tls, "options": OPTIONS[fields["kind"]]}
    return ServerSpec(
        **{name: msgspec.convert(value, parts[name]) if name in parts else value for name, value in fields.items()}
    )


def join_address(host: str, port: int) -> str:
    """`ip:port`, or `[ip6]:port`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
