"""The frames of `sp-rc/1`, the protocol of remote commands: types, sizes, what stands in them. It knows no socket and no key.

docs/remote-commands.md is the protocol's home.

    decode_run(encode_run(Run(number=7, argv=("uname", "-s")))) == Run(number=7, argv=("uname", "-s"))
"""

from enum import IntEnum
from typing import TypeVar

import msgspec

from services.errors import FrameMalformed, FrameTooLong
from services.servers import framing
from services.servers.spec import Framing

VERSION = b"sp-rc/1\0"
LENGTH_BYTES = 4  # in front of every payload
MAC_BYTES = 32
SEAL_BYTES = 1 + 8 + MAC_BYTES  # type, counter and mac around a body
CHUNK_BYTES = 64 * 1024  # of output in one frame
MAX_STRANGER = 4096  # bytes of a payload before anybody is known
MAX_TO_SERVER = 64 * 1024 + 64
MAX_TO_CLIENT = 1024 * 1024
MAX_COMMAND = MAX_TO_SERVER - SEAL_BYTES - 4  # bytes of a RUN's JSON
MAX_NUMBER = 2**32 - 1


class Type(IntEnum):
    """The first byte of a payload."""

    HELLO = 0x01
    AUTH = 0x02
    OK = 0x03
    REFUSED = 0x04
    RUN = 0x10
    CANCEL = 0x11
    STARTED = 0x20
    STDOUT = 0x21
    STDERR = 0x22
    EXIT = 0x23
    ERROR = 0x24


# From the server


class Offered(msgspec.Struct, frozen=True):
    """A command of the allow-list, as a client is told of it."""

    id: str
    explains: str = ""
    arguments: tuple[str, ...] = ()  # words for people: what each place takes


class Welcome(msgspec.Struct, frozen=True):
    """What the server offers to whom it has let in."""

    session: str  # a name for this session, for both sides' records
    commands: tuple[Offered, ...] = ()
    shell: bool = False  # takes a free command line from this key
    timeout: float = 0.0  # seconds a command may take, unless its own limit is another
    output_bytes: int = 0  # of stdout and stderr together that are sent, unless the command's own limit is another
    max_frame: int = MAX_TO_SERVER  # bytes of a payload to the server


class Started(msgspec.Struct, frozen=True):
    """The command runs."""

    number: int


class Output(msgspec.Struct, frozen=True):
    """Bytes that the command wrote."""

    number: int
    stream: int  # 1: stdout, 2: stderr
    data: bytes


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended; nothing follows."""

    number: int = 0
    code: int | None = None  # its exit status; None when a signal ended it
    signal: int | None = None
    seconds: float = 0.0
    stdout: int = 0  # bytes that it wrote, sent or not
    stderr: int = 0
    truncated: bool = False  # it wrote more than was sent
    why: str = ""  # why it did not end by itself; empty when it did


class Failure(msgspec.Struct, frozen=True):
    """Why the command does not run. With the number 0: why the connection ends."""

    number: int
    code: str  # SP-50xx
    message: str


# To the server


class Run(msgspec.Struct, frozen=True):
    """Run this: an allowed command with its arguments, or a free command line; one of both."""

    number: int  # the client's choice; no other command of this session that runs has it
    argv: tuple[str, ...] | None = None
    shell: str | None = None
    who: str = ""  # the panel's user; believed only from the panel


class Cancel(msgspec.Struct, frozen=True):
    """End the command with this number."""

    number: int


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    argv: tuple[str, ...] | None = None
    shell: str | None = None
    who: str = ""


class _Ended(msgspec.Struct, frozen=True):
    code: int | None
    signal: int | None
    seconds: float
    stdout: int
    stderr: int
    truncated: bool
    why: str


class _Error(msgspec.Struct, frozen=True):
    code: str
    message: str


T = TypeVar("T")


def decoder(limit: int) -> framing.Decoder:
    """For one direction of a connection; a payload longer than `limit` bytes is refused by its header."""
    return framing.decoder(Framing(type="length", size=LENGTH_BYTES, max_bytes=limit))


def first(source: framing.Decoder, data: bytes) -> tuple[bytes, bytes] | None:
    """The first payload and everything behind it, which may be for another decoder; None as long as it is not whole."""
    frames = source.frames(data)
    payload = next(frames, None)
    del frames  # it hands back to the decoder what it has not looked at
    return None if payload is None else (payload, source.rest())


def frame(payload: bytes) -> bytes:
    """The payload behind its length."""
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def split_number(body: bytes) -> tuple[int, bytes]:
    """The command's number, and what stands behind it. Raises FrameMalformed."""
    if len(body) < 4:
        raise FrameMalformed(
            f"A frame with a body of {len(body)} bytes has no room for a command's number: send 4 or more."
        )
    return int.from_bytes(body[:4], "big"), body[4:]


def with_number(number: int, rest: bytes = b"") -> bytes:
    """The body of a frame about one command."""
    return number.to_bytes(4, "big") + rest


def encode_run(run: Run) -> bytes:
    """Raises FrameTooLong for a command that no frame holds, FrameMalformed for one that is no text."""
    try:
        asked = msgspec.json.encode(_Asked(run.argv, run.shell, run.who))
    except UnicodeEncodeError:
        raise FrameMalformed("The command holds bytes that are no text (UTF-8): write it in text.") from None
    if len(asked) > MAX_COMMAND:
        raise FrameTooLong(f"A command of {len(asked):,} bytes > max {MAX_COMMAND:,}: give it less to take along.")
    return with_number(run.number, asked)


def decode_run(body: bytes) -> Run:
    """Raises FrameMalformed unless exactly one of `argv` and `shell` is there."""
    number, rest = split_number(body)
    asked = decode_json(rest, _Asked)
    if (asked.argv is None) == (asked.shell is None) or asked.argv == ():
        raise FrameMalformed(
            'A command is asked for with {"argv": ["uname", "-s"]} or with {"shell": "..."}: send one of both.'
        )
    return Run(number, asked.argv, asked.shell, asked.who)


def encode_exit(number: int, ended: Exit) -> bytes:
    """The body of EXIT."""
    told = msgspec.convert(ended, _Ended, from_attributes=True)
    return with_number(number, msgspec.json.encode(told))


def decode_exit(body: bytes) -> Exit:
    """Raises FrameMalformed."""
    number, rest = split_number(body)
    told = decode_json(rest, _Ended)
    return Exit(number=number, **msgspec.structs.asdict(told))


def encode_failure(failure: Failure) -> bytes:
    """The body of ERROR."""
    return with_number(failure.number, msgspec.json.encode(_Error(failure.code, failure.message)))


def decode_failure(body: bytes) -> Failure:
    """Raises FrameMalformed."""
    number, rest = split_number(body)
    told = decode_json(rest, _Error)
    return Failure(number, told.code, told.message)


def decode_json(data: bytes, kind: type[T]) -> T:
    """Raises FrameMalformed for what is no JSON of this kind."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FrameMalformed(f"A frame's JSON makes no sense: {error}.") from None
