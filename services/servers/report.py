"""What a worker and its supervisor tell each other over their socketpair: msgpack in frames of a 4-byte big-endian length.

It knows no socket. Everything a worker says is untrusted: `decode_from_worker` checks types and raises WorkerBroken.

    frame = encode(Batch(number=1, messages=[(at, 7, "127.0.0.1:5000", IN, b"abc", 3, "")]))
"""

from typing import Literal

import msgspec

from services.errors import WorkerBroken
from services.servers.spec import Framing
from services.servers.tls_material import TlsMaterial

IN, OUT = 0, 1
HEADER_BYTES = 4
MAX_FRAME_BYTES = 32 * 1024 * 1024
FRAMING = Framing(type="length", size=HEADER_BYTES, max_bytes=MAX_FRAME_BYTES)

# at (microseconds since 1970, UTC), connection, peer, direction, data (kept part), size (true), sent_by ("" when nobody)
MessageRow = tuple[int, int, str, int, bytes, int, str]


class Key(msgspec.Struct, frozen=True):
    """A key for remote commands, as a worker must know it."""

    public: bytes  # 32 bytes, Ed25519 (RFC 8032)
    name: str
    commands: tuple[str, ...] | None = None  # ids of the allow-list; None: all of it
    sources: tuple[str, ...] = ()  # networks (CIDR) it may be used from; empty: any
    expires_at: int | None = None  # microseconds since 1970, UTC
    shell: bool = False  # may use the free command line of a server that has one
    revoked: bool = False  # known only so that the reason can be shown to an admin
    panel: bool = False  # the panel's own: it says for whom it runs a command, and is believed


class Briefing(msgspec.Struct, frozen=True):
    """What a remote-command server must know beside its spec; it may change while the worker runs."""

    identity: bytes  # the server's own private key, 32 bytes
    keys: tuple[Key, ...] = ()
    user: tuple[int, int] | None = None  # uid and gid that commands run as; None: those of the worker
    hidden: str = ""  # the directory that no command may read: keys and databases


class Start(msgspec.Struct, frozen=True):
    """What a worker gets on its stdin, as JSON."""

    spec: dict[str, object]  # the fields of a ServerSpec, built again on the worker's side
    link: int  # file descriptor of its end of the socketpair
    socket: int | None  # file descriptor of the bound (and listening) socket
    next_connection: int = 1
    peers: dict[str, int] = {}  # datagram peers seen before: address -> connection number
    kernel_drops: int | None = None  # datagrams dropped at this socket that earlier workers told of; None: not known
    briefing: Briefing | None = None  # remote-command servers
    tls: TlsMaterial | None = None  # servers that speak TLS


class Told(msgspec.Struct, frozen=True, array_like=True, tag_field="t"):
    """Base of everything that crosses the link."""


class Ready(Told, tag=1):
    """The worker serves."""

    receive_buffer: int = 0  # bytes the kernel holds for a datagram socket


class TlsFacts(msgspec.Struct, frozen=True, array_like=True):
    """What a handshake has agreed on, and who the client is."""

    version: str  # TLS 1.3
    cipher: str
    name: str = ""  # the server name that the client asked for
    client: str = ""  # whom its certificate names
    client_sha256: str = ""  # of its certificate, in hex


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """A connection, or the first datagram of a peer."""

    number: int
    peer: str
    at: int
    tls: TlsFacts | None = None


class Closed(msgspec.Struct, frozen=True, array_like=True):
    """A connection ended."""

    number: int
    at: int
    why: str  # a few words for people: "closed by the peer", "reset by the peer", "frame of 5000000 > max 1048576"


class Touched(msgspec.Struct, frozen=True, array_like=True):
    """What a connection did since it was last told (differences, not totals)."""

    number: int
    last_at: int
    received: int
    bytes_in: int
    sent: int
    bytes_out: int


# Why a message is in no batch
DROPPED = {
    "oversize": "longer than framing.max_bytes, and its connection was closed; or a UNIX datagram of more than 512 KiB",
    "malformed": "no frame; its connection was closed",
    "incomplete": "the stream ended inside a length-prefixed frame",
    "backlog": "the store was behind",
    "stopped": "the server stopped before it could be read",
    "refused": "its sender was not let in",
    "kernel": "the kernel's buffer was full",
    "rate": "its sender sent more than limits.messages_per_second",
    "denied": "its sender's network is not allowed",
    "unstorable": "the database does not take it",
}
SENT_DROPPED = {
    "oversize": "no frame or datagram holds it",
    "full": "the kernel took no more",
    "refused": "the kernel knew no way",
    "withheld": "a peer far away would have got more than it sent",
    "backlog": "it was sent, but the store was behind",
    "rate": "more answers than the limits allow",
    "loop": "it would have gone round in circles",
    "unstorable": "it was sent, but the database does not take it",
}
# What a server refuses or slows down, and tells of as an incident
RULES = {
    "full": "limits.connections are open; further ones wait",
    "source": "one source has limits.connections_per_source open",
    "accepts": "one source connects more often than limits.accepts_per_second",
    "denied": "its network is not allowed",
    "messages": "one source sends more than limits.messages_per_second",
    "first-byte": "nothing came within limits.first_byte_timeout",
    "idle": "nothing came or went within limits.idle_timeout",
    "frame": "a frame was not complete within limits.frame_timeout",
    "memory": "half frames fill the memory of the server",
    "write": "what was sent stayed unread for limits.write_timeout",
    "replies": "more answers than limits.replies_per_source or limits.replies_per_second",
    "loop": "an answer would have gone round in circles",
    "withheld": "a peer far away would have got more than it sent",
    "tls": "a handshake failed: no TLS, none that the server takes, or no client certificate that it believes",
    "store": "nothing can be stored at present",
    "secret": "a cookie or a token of Sockpanel came in: it is not stored, and opens nothing any more",
    "other": "more sources at once than are told of one by one",
}


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What happened since the last batch: `received` counts the incoming messages of this batch and all that were dropped."""

    received: int = 0  # incoming messages, kept or dropped
    bytes_in: int = 0
    dropped: dict[str, int] = {}  # reason (DROPPED) -> incoming messages that are in no batch
    sent: int = 0  # outgoing messages, kept or dropped
    bytes_out: int = 0
    sent_dropped: dict[str, int] = {}  # reason (SENT_DROPPED) -> outgoing ones
    dropped_bytes: dict[str, int] = {}  # reason -> their bytes, in bytes_in too; the kernel's are not known
    sent_dropped_bytes: dict[str, int] = {}
    refused: dict[str, int] = {}  # rule (RULES) -> connections that were not let in


class Incident(msgspec.Struct, frozen=True, array_like=True):
    """Something was refused or slowed down, by a rule (RULES)."""

    at: int
    rule: str
    source: str  # whom it is about: an address without port; empty for nobody in particular
    what: str  # a sentence for people: "refused 10.1.2.3: 5 connections per source"
    count: int = 1  # how often since it was last told


class Exposed(msgspec.Struct, frozen=True, array_like=True):
    """The key of a session, or a token, came to the server: whoever can read there could use it."""

    at: int
    kind: Literal["session", "token"]
    digest: bytes  # its SHA-256
    connection: int
    peer: str
    is_output: bool = False  # a command of the peer's wrote it, rather than the peer itself


class Batch(Told, tag=2):
    """Messages in order, and what goes with them. Numbered 1, 2, 3 ... in a run; acknowledged by `Stored`."""

    number: int
    messages: list[MessageRow] = []
    opened: list[Opened] = []
    closed: list[Closed] = []
    touched: list[Touched] = []
    counted: Counted = Counted()
    open_connections: int = 0
    incidents: list[Incident] = []
    exposed: list[Exposed] = []


class Heartbeat(Told, tag=3):
    """Every 5 s: the loop still turns."""

    open_connections: int = 0


class Done(Told, tag=4):
    """The outcome of a Send or Close."""

    action: int
    count: int = 0  # peers reached
    error: str = ""  # a sentence for the person who asked; empty when it worked
    code: str = ""


class Failed(Told, tag=5):
    """The worker cannot serve and leaves; the sentence is for people."""

    message: str


class CommandBegun(Told, tag=6):
    """A command is about to run, and waits for `Recorded`; also told of one that is refused before it ran, with `CommandEnded`."""

    ask: int  # 1, 2, 3 ... in a run of the worker
    connection: int
    at: int
    key: str  # the name of the key; empty for the dialect `Ready`
    public: bytes
    who: str  # the panel's user it runs for; empty when none is known
    source: str  # ip:port
    command: str  # id of the allow-list; "shell" or "ready" for a free command line
    argv: tuple[str, ...]


class CommandEnded(Told, tag=7):
    """How a command ended."""

    ask: int
    at: int
    code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    why: str = ""  # why it did not end by itself; empty when it did
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    truncated: bool = False
    output: bytes = b""  # the first bytes of both, as they came


class KeyUsed(Told, tag=8):
    """A key has let somebody in."""

    public: bytes
    at: int
    source: str


class Stored(Told, tag=16):
    """To the worker: every batch up to this number is committed."""

    number: int


class Send(Told, tag=17):
    """To the worker: bytes for one connection, a datagram peer, or all (both None)."""

    action: int
    data: bytes
    connection: int | None = None
    peer: str | None = None
    sent_by: str = ""


class Close(Told, tag=18):
    """To the worker: close one connection."""

    action: int
    connection: int


class Recorded(Told, tag=19):
    """To the worker: the command is written down for good and may run."""

    ask: int


class Brief(Told, tag=20):
    """To the worker: what it must know has changed."""

    briefing: Briefing


class Neighbours(Told, tag=21):
    """To the worker of a datagram server: who on this machine must never be answered."""

    ports: tuple[int, ...]  # UDP ports of the node's datagram servers that are up, its own among them


class Certify(Told, tag=22):
    """To the worker: whoever connects from now on gets this certificate."""

    tls: TlsMaterial


FromWorker = Ready | Batch | Heartbeat | Done | Failed | CommandBegun | CommandEnded | KeyUsed
ToWorker = Stored | Send | Close | Recorded | Brief | Neighbours | Certify

_encoder = msgspec.msgpack.Encoder()
_from_worker = msgspec.msgpack.Decoder(FromWorker)
_to_worker = msgspec.msgpack.Decoder(ToWorker)


def encode(told: Told) -> bytes:
    """One frame, header and all."""
    payload = _encoder.encode(told)
    return len(payload).to_bytes(HEADER_BYTES, "big") + payload


def decode_from_worker(payload: bytes) -> FromWorker:
    """Raises WorkerBroken for anything that is no report."""
    return _decode(_from_worker, payload)


def decode_to_worker(payload: bytes) -> ToWorker:
    """Raises WorkerBroken for anything that is no order."""
    return _decode(_to_worker, payload)


def _decode(decoder: msgspec.msgpack.Decoder, payload: bytes):  # type: ignore[no-untyped-def]
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise WorkerBroken(f"The link carried something that is no report ({error}).") from error
