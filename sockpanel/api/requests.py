"""The shapes of what the API takes, for its description. No logic: what a value means is checked where it is used."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.servers.spec import Framing, Kind, Limits, Reply, Restart, Transport
from sockpanel.api.schemas import Encoding, Name, Notes, Options, Port, Retention


class ServerFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The configuration of a server; what is missing stays, or gets its default."""

    name: Name | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    transport: Transport | UnsetType = UNSET
    host: Annotated[str, Meta(description="an IPv4 or IPv6 address, or a path")] | UnsetType = UNSET
    port: Port | UnsetType = UNSET
    framing: Framing | UnsetType = UNSET
    reply: Reply | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    restart: Restart | UnsetType = UNSET
    autostart: bool | UnsetType = UNSET
    retention: Retention | UnsetType = UNSET
    node: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET


class NewServer(ServerFields, kw_only=True):
    """A server to create: a kind or a preset, and whatever differs from the defaults."""

    preset: Annotated[str, Meta(description="a name from GET /presets")] | UnsetType = UNSET


class Bytes(msgspec.Struct, forbid_unknown_fields=True):
    """Bytes to send to connected clients, or to one datagram peer."""

    data: str
    encoding: Encoding = "text"
    connection: Annotated[int, Meta(ge=0, le=2**63 - 1)] | Literal["all"] | UnsetType = UNSET
    peer: Annotated[str, Meta(description="host:port")] | UnsetType = UNSET


class Exchange(msgspec.Struct, forbid_unknown_fields=True):
    """One exchange to make as a client."""

    transport: Literal["tcp", "udp"]
    host: str
    port: Annotated[int, Meta(ge=1, le=65_535)]
    data: str = ""
    encoding: Encoding = "text"
    framing: Framing | UnsetType = UNSET
    timeout: Annotated[float, Meta(gt=0, le=60, description="seconds")] = 2.0
    expect: Annotated[int, Meta(ge=0, le=100_000, description="messages back are all")] | UnsetType = UNSET
    broadcast: bool = False


# A body to begin with, for each shape that is sent
EXAMPLES: dict[type, dict[str, Any]] = {
    NewServer: {"preset": "echo", "name": "lab", "port": 9107},
    ServerFields: {"notes": "the one in hall 3", "retention": {"rows": 10_000}},
    Bytes: {"data": r"hello\r\n", "encoding": "text", "connection": "all"},
    Exchange: {"transport": "tcp", "host": "127.0.0.1", "port": 8007, "data": "hello", "timeout": 2},
}
