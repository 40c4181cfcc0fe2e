"""The shapes of what the API gives, for its description: parts of a server are those of the spec itself. No logic."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from services.servers.commands.options import CommandOptions
from services.servers.spec import (
    BroadcastSenderOptions,
    Framing,
    Kind,
    Limits,
    NoOptions,
    Reply,
    Restart,
    TimeOptions,
    Tls,
    Transport,
)
from services.trouble import Trouble

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$", description="unique")]
Port = Annotated[int, Meta(ge=0, le=65_535, description="1 to 65535; 0 for UNIX sockets and for a broadcast sender")]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, description="RFC 3339, six decimals, Z")]
Notes = Annotated[str, Meta(max_length=10_000)]
State = Literal["STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL"]
Direction = Literal["in", "out"]
Encoding = Annotated[
    Literal["text", "hex", "base64"], Meta(description=r"text is UTF-8 with the escapes \r \n \t \0 \\ \xNN")
]
Role = Literal["viewer", "operator", "admin"]
Positive = Annotated[int, Meta(ge=1, le=2**50)]
Options = Annotated[
    dict[str, Any],
    Meta(
        description="per kind",
        extra_json_schema={
            "anyOf": [
                {"$ref": f"#/components/schemas/{part.__name__}"}
                for part in (NoOptions, TimeOptions, BroadcastSenderOptions, CommandOptions)
            ]
        },
    ),
]


class Retention(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is kept of a server's messages, at the most; a bound that is missing is none."""

    rows: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 100_000
    bytes: Positive = 2**50
    age: Annotated[int, Meta(ge=1, le=316_224_000, description="seconds")] = 316_224_000


class Count(msgspec.Struct):
    """Since the server was created: received = stored + dropped, and sent = sent_stored + sent_dropped, once it rests."""

    connections: Annotated[int, Meta(description="open now")]
    connections_ever: int
    received: int
    stored: int
    dropped: Annotated[dict[str, int], Meta(description="reason -> incoming messages that are not stored")]
    sent: int
    sent_stored: int
    sent_dropped: dict[str, int]
    bytes_in: int
    bytes_out: int
    stored_bytes: Annotated[int, Meta(description="bytes_in = stored_bytes + the sum of dropped_bytes")]
    dropped_bytes: Annotated[
        dict[str, int], Meta(description="what the kernel dropped has messages, and no bytes known")
    ]
    sent_stored_bytes: int
    sent_dropped_bytes: dict[str, int]
    refused: Annotated[dict[str, int], Meta(description="rule -> connections that were not let in")]
    last_seq: Annotated[int, Meta(description="the number of the newest message")]
    last_at: Time | None


class Server(msgspec.Struct):
    """A server: its configuration, where it stands, what it has handled."""

    id: int
    name: Name
    kind: Kind
    transport: Transport
    host: str
    port: Port
    framing: Framing
    reply: Reply
    options: Options
    limits: Limits
    tls: Tls
    restart: Restart
    autostart: bool
    retention: Retention
    node: str
    notes: str
    state: State
    reason: Annotated[str, Meta(description="why it is in this state, for people; may be empty")]
    since: Time
    pid: int | None
    address: str
    retry_at: Annotated[Time | None, Meta(description="BACKOFF: when it is tried again")]
    wanted: Literal["running", "stopped"]
    warnings: Annotated[list[str], Meta(description="what would keep it from starting; in lists always empty")]
    counters: Count


class Servers(msgspec.Struct):
    """All servers, by name."""

    servers: list[Server]


class Pruned(msgspec.Struct):
    """How many messages went."""

    pruned: int


class Reached(msgspec.Struct):
    """How many peers got the bytes."""

    reached: int


class Preset(msgspec.Struct):
    """A server that people know from textbooks, ready to run."""

    name: str
    title: str
    explains: str
    server: dict[str, Any]


class Presets(msgspec.Struct):
    """All presets."""

    presets: list[Preset]


class Supervisor(msgspec.Struct):
    """Who keeps the workers as wanted."""

    alive: bool
    pid: int | None


class Database(msgspec.Struct):
    """A database of the panel."""

    engine: Literal["sqlite", "postgresql"]
    answers: bool
    bytes: Annotated[int | None, Meta(description="its size on disk; null where that is not known")]


class Disk(msgspec.Struct):
    """The disk that the data directory lies on, in bytes."""

    free: int
    total: int


class RunsCommands(msgspec.Struct):
    """A remote-command server that runs; with `shell` it takes a free command line."""

    name: str
    shell: bool


class RemoteCommands(msgspec.Struct):
    """Whether remote commands are switched on, and through which servers they can be run now."""

    on: bool
    running: list[RunsCommands]


class NodeState(msgspec.Struct):
    """The machine that the panel runs on."""

    name: str
    supervisor: Supervisor
    versions: dict[str, str]
    disk: Disk
    databases: dict[str, Database]
    remote_commands: RemoteCommands
    troubles: Annotated[list[Trouble], Meta(description="what is wrong at present, the worst first")]


class Received(msgspec.Struct):
    """Bytes that came back."""

    data: bytes
    text: Annotated[str, Meta(description="the same as text with escapes")]
    at: Time
    peer: str
    after_ms: float


class Met(msgspec.Struct):
    """Whom TLS was spoken with, and how."""

    version: str
    cipher: str
    subject: str
    issuer: str
    until: Annotated[Time, Meta(description="when the server's certificate ends")]
    sha256: Annotated[str, Meta(description="the fingerprint of that certificate, in hex")]
    believed: Annotated[bool, Meta(description="whether it was checked")]


class Exchanged(msgspec.Struct):
    """An exchange that took place, answered or not."""

    sent: bytes
    sent_at: Time
    peer: str
    local: str
    received: list[Received]
    data: Annotated[bytes, Meta(description="all that came back, joined")]
    text: str
    seconds: float
    ended: Literal["answered", "quiet", "closed", "reset", "timeout", "full"]
    tls: Annotated[Met | None, Meta(description="null without TLS")]
    note: str


class Problem(msgspec.Struct, omit_defaults=True):
    """A failure (RFC 9457); `code` is stable and listed in docs/errors.md."""

    title: str
    status: int
    detail: Annotated[str, Meta(description="one sentence for people: the thing, the fact, the next step")]
    code: str
    type: str = "about:blank"
    field: Annotated[str, Meta(description="the field that it is about")] = ""
    problems: Annotated[dict[str, str], Meta(description="field -> sentence, where several are wrong")] = {}
