"""The shapes of what was recorded of a server, for the API's description. No logic."""

from typing import Annotated

import msgspec
from msgspec import Meta

from sockpanel.api.schemas import Direction, State, Time


class Message(msgspec.Struct):
    """Bytes that came in or went out."""

    seq: Annotated[int, Meta(ge=1, description="1, 2, 3 ... per server, for ever, without holes")]
    at: Time
    connection: int
    peer: str
    direction: Direction
    size: Annotated[int, Meta(description="the true size in bytes")]
    truncated: Annotated[bool, Meta(description="less than `size` bytes are kept")]
    sent_by: Annotated[str | None, Meta(description="the user who sent these bytes by hand")]
    data: bytes


class Messages(msgspec.Struct):
    """A page of messages, in order of `seq`."""

    messages: list[Message]
    first: int | None
    last: int | None
    more: Annotated[bool, Meta(description="further ones match in the direction of reading")]


class Secured(msgspec.Struct):
    """What a handshake agreed on, and who the client is."""

    version: Annotated[str, Meta(description="TLS 1.2 or TLS 1.3")]
    cipher: str
    name: Annotated[str, Meta(description="the server name that the client asked for (SNI)")]
    client: Annotated[str, Meta(description="the subject of the client's certificate; empty without one")]
    client_sha256: Annotated[str, Meta(description="the fingerprint of that certificate, in hex")]


class Connection(msgspec.Struct):
    """A TCP connection, or a datagram peer."""

    number: int
    peer: str
    run: int
    opened_at: Time
    closed_at: Time | None
    why: Annotated[str, Meta(description="why it closed")]
    last_at: Time
    received: int
    bytes_in: int
    sent: int
    bytes_out: int
    tls: Annotated[Secured | None, Meta(description="null without TLS")]


class Connections(msgspec.Struct):
    """A page of connections, newest first; `last` is the `before` of the next page."""

    connections: list[Connection]
    first: int | None
    last: int | None
    more: bool


class Run(msgspec.Struct):
    """One life of a worker."""

    number: int
    pid: int
    started_at: Time
    ready_at: Time | None
    ended_at: Time | None
    exit_code: int | None
    signal: int | None
    stderr: Annotated[str, Meta(description="its last lines")]


class Runs(msgspec.Struct):
    """A page of runs, newest first."""

    runs: list[Run]
    first: int | None
    last: int | None
    more: bool


class Change(msgspec.Struct, rename={"old": "from", "new": "to"}):
    """A move from state to state."""

    id: int
    at: Time
    old: State
    new: State
    reason: str
    who: Annotated[str | None, Meta(description="who asked for it; null when it happened by itself")]


class Changes(msgspec.Struct):
    """A page of state changes, newest first."""

    changes: list[Change]
    first: int | None
    last: int | None
    more: bool


class Incident(msgspec.Struct):
    """Something that a server refused or slowed down."""

    id: int
    at: Time
    rule: Annotated[str, Meta(description="which rule, such as source, accepts, denied, loop")]
    source: Annotated[
        str, Meta(description="whom it is about, an address without port; empty for nobody in particular")
    ]
    what: Annotated[str, Meta(description="a sentence for people")]
    count: Annotated[int, Meta(description="how often since it was last told")]


class Incidents(msgspec.Struct):
    """A page of incidents, newest first."""

    incidents: list[Incident]
    first: int | None
    last: int | None
    more: bool
