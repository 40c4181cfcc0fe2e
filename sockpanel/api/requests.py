"""The shapes of what the API takes, for its description. No logic: what a value means is checked where it is used."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.servers.spec import Framing, Kind, Limits, Reply, Restart, Tls, Transport
from sockpanel.api.schemas import Encoding, Name, Notes, Options, Port, Retention, Role


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
    tls: Tls | UnsetType = UNSET
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


class Prune(msgspec.Struct, forbid_unknown_fields=True):
    """How many of the newest messages stay."""

    keep: Annotated[int, Meta(ge=0)]


class Trust(msgspec.Struct, forbid_unknown_fields=True):
    """How the server is made sure of. The system's authorities and the certificates of this panel are believed always."""

    ca: Annotated[str, Meta(max_length=262_144, description="authorities, or the server's own certificate, as PEM")] = (
        ""
    )
    insecure: Annotated[bool, Meta(description="take whatever it shows")] = False
    name: Annotated[str, Meta(max_length=253, description="of the server; empty: the host")] = ""


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
    tls: Annotated[bool | Trust, Meta(description="speak TLS; TCP only")] = False


class NewCommand(msgspec.Struct, forbid_unknown_fields=True):
    """A command to run: on `server`, or at `host`, `port` and `key`; `argv`, or for admins `shell`."""

    server: Name | UnsetType = UNSET
    host: Annotated[str, Meta(description="of a server that is not this panel's")] | UnsetType = UNSET
    port: Annotated[int, Meta(ge=1, le=65_535)] | UnsetType = UNSET
    key: Annotated[str, Meta(description="the public key of that server: 64 hex digits")] | UnsetType = UNSET
    argv: Annotated[list[str], Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    shell: Annotated[str, Meta(min_length=1, max_length=16_384)] | UnsetType = UNSET
    encoding: Literal["text", "base64"] = "text"
    wait: bool = True


class KeyFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a key may do; what is missing stays, or gets its default."""

    owner: Annotated[str, Meta(max_length=150)] | UnsetType = UNSET
    servers: Annotated[list[str], Meta(description="names; empty: all")] | UnsetType = UNSET
    commands: Annotated[list[str] | None, Meta(description="ids of allow-lists; null: all")] | UnsetType = UNSET
    shell: bool | UnsetType = UNSET
    sources: Annotated[list[str], Meta(description="networks; empty: any")] | UnsetType = UNSET
    expires_at: Annotated[str | None, Meta(description="RFC 3339; null: never; 90 days for a new key")] | UnsetType = (
        UNSET
    )


class NewKey(KeyFields, kw_only=True):
    """A key to register, or to make."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?$")]
    public: Annotated[str | None, Meta(description="64 hex digits, OpenSSH or PEM; null: a pair is made")] = None


class Confirmation(msgspec.Struct, forbid_unknown_fields=True):
    """The person's own password."""

    password: str


Pem = Annotated[str, Meta(max_length=128 * 1024, description="PEM")]


class Renewal(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is brought for a certificate; nothing for one that the panel's own authority issues."""

    chain: Pem | UnsetType | None = UNSET
    key: Pem | UnsetType | None = UNSET
    password: Annotated[str, Meta(max_length=1024, description="of an encrypted key")] | UnsetType | None = UNSET


class NewCertificate(Renewal, kw_only=True):
    """A certificate to make (`names`), or to upload (`chain` and `key`)."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")]
    names: (
        Annotated[list[str], Meta(max_length=100, description="host names and addresses; none: this machine's")]
        | UnsetType
        | None
    ) = UNSET
    purpose: Literal["server", "clients"] | UnsetType | None = UNSET


class NewAuthority(msgspec.Struct, forbid_unknown_fields=True):
    """What the panel's own authority may vouch for besides private names."""

    names: Annotated[list[str], Meta(max_length=100, description="domains and addresses")] | None = None


class NewClientCertificate(msgspec.Struct, forbid_unknown_fields=True):
    """For whom."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")]


class UserFields(msgspec.Struct, forbid_unknown_fields=True):
    """What an admin changes about somebody; what is missing stays."""

    role: Role | UnsetType = UNSET
    active: Annotated[bool, Meta(description="false: let in no more")] | UnsetType = UNSET


class NewInvitation(msgspec.Struct, forbid_unknown_fields=True):
    """A way in for somebody who has no account."""

    role: Role
    name: Annotated[str, Meta(max_length=150, description="for whom, for people to read")] = ""


class Looks(msgspec.Struct, forbid_unknown_fields=True):
    """How the panel looks to the person; what is missing stays."""

    theme: Literal["", "light", "dark"] | UnsetType = UNSET
    language: Literal["", "en"] | UnsetType = UNSET


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token for a script."""

    name: Annotated[str, Meta(min_length=1, max_length=64, description="what it is for")]
    scope: Role
    days: Annotated[int, Meta(ge=0, le=3650, description="0: for ever")] = 90


class Restore(msgspec.Struct, forbid_unknown_fields=True):
    """An earlier configuration of a server."""

    entry: Annotated[int, Meta(ge=1, description="the number of an entry of the audit that holds one of this server")]


# A body to begin with, for each shape that is sent
EXAMPLES: dict[type, dict[str, Any]] = {
    NewServer: {"preset": "echo", "name": "lab", "port": 9107},
    ServerFields: {"notes": "the one in hall 3", "retention": {"rows": 10_000}},
    Bytes: {"data": r"hello\r\n", "encoding": "text", "connection": "all"},
    Prune: {"keep": 1000},
    NewCommand: {"server": "lab", "argv": ["uname", "-s"]},
    KeyFields: {"commands": ["uname"], "sources": ["10.0.0.0/8"]},
    NewKey: {"name": "ci", "commands": ["uname", "uptime"]},
    Restore: {"entry": 7},
    UserFields: {"role": "operator"},
    NewInvitation: {"role": "viewer", "name": "Vera"},
    Looks: {"theme": "dark"},
    NewToken: {"name": "nightly", "scope": "viewer", "days": 30},
    Confirmation: {"password": "correct horse battery staple"},
    NewCertificate: {"name": "lab", "names": ["lab.lan", "192.0.2.7"]},
    Renewal: {},
    NewAuthority: {"names": ["example.org"]},
    NewClientCertificate: {"name": "lab-laptop"},
    Exchange: {"transport": "tcp", "host": "127.0.0.1", "port": 8007, "data": "hello", "timeout": 2},
}
