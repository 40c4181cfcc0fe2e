"""What a worker and its supervisor tell each other over their socketpair: msgpack in frames of a 4-byte big-endian length.

It knows no socket. Everything a worker says is untrusted: `decode_from_worker` checks types and raises WorkerBroken.

    frame = encode(Batch(number=1, messages=[(at, 7, "127.0.0.1:5000", IN, b"abc", 3, "")]))
"""

import msgspec

from services.errors import WorkerBroken
from services.servers.spec import Framing

IN, OUT = 0, 1
HEADER_BYTES = 4
MAX_FRAME_BYTES = 32 * 1024 * 1024
FRAMING = Framing(type="length", size=HEADER_BYTES, max_bytes=MAX_FRAME_BYTES)

# at (microseconds since 1970, UTC), connection, peer, direction, data (kept part), size (true), sent_by ("" when nobody)
MessageRow = tuple[int, int, str, int, bytes, int, str]


class Start(msgspec.Struct, frozen=True):
    """What a worker gets on its stdin, as JSON."""

    spec: dict[str, object]  # the fields of a ServerSpec, built again on the worker's side
    link: int  # file descriptor of its end of the socketpair
    socket: int | None  # file descriptor of the bound (and listening) socket
    next_connection: int = 1
    peers: dict[str, int] = {}  # datagram peers seen before: address -> connection number
    kernel_drops: int | None = None  # datagrams dropped at this socket that earlier workers told of; None: not known


class Told(msgspec.Struct, frozen=True, array_like=True, tag_field="t"):
    """Base of everything that crosses the link."""


class Ready(Told, tag=1):
    """The worker serves."""

    receive_buffer: int = 0  # bytes the kernel holds for a datagram socket


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """A connection, or the first datagram of a peer."""

    number: int
    peer: str
    at: int


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
    "oversize": "longer than framing.max_bytes; its connection was closed",
    "malformed": "no frame; its connection was closed",
    "incomplete": "the stream ended inside a length-prefixed frame",
    "backlog": "the store was behind",
    "kernel": "the kernel's buffer was full",
}
SENT_DROPPED = {
    "oversize": "no frame or datagram holds it",
    "full": "the kernel took no more",
    "refused": "the kernel knew no way",
    "withheld": "a peer far away would have got more than it sent",
    "backlog": "it was sent, but the store was behind",
}


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What happened since the last batch: `received` counts the incoming messages of this batch and all that were dropped."""

    received: int = 0  # incoming messages, kept or dropped
    bytes_in: int = 0
    dropped: dict[str, int] = {}  # reason (DROPPED) -> incoming messages that are in no batch
    sent: int = 0  # outgoing messages, kept or dropped
    bytes_out: int = 0
    sent_dropped: dict[str, int] = {}  # reason (SENT_DROPPED) -> outgoing ones


class Batch(Told, tag=2):
    """Messages in order, and what goes with them. Numbered 1, 2, 3 ... in a run; acknowledged by `Stored`."""

    number: int
    messages: list[MessageRow] = []
    opened: list[Opened] = []
    closed: list[Closed] = []
    touched: list[Touched] = []
    counted: Counted = Counted()
    open_connections: int = 0


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


FromWorker = Ready | Batch | Heartbeat | Done | Failed
ToWorker = Stored | Send | Close

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
