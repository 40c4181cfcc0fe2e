"""What is asked of a client, and what became of it: Request, Exchange. It knows no socket."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from services.errors import ConfigurationRefused, RequestRefused
from services.payload import payload
from services.servers import validation, wording
from services.servers.clock import rfc3339
from services.servers.spec import STREAMS, UNIX, Framing

Transport = Literal["tcp", "udp", "unix", "unix-dgram"]
TRANSPORTS = ("tcp", "udp", "unix", "unix-dgram")
TIMEOUT = 2.0  # seconds
MAX_TIMEOUT = 60.0
MAX_SENT = 16 * 1024 * 1024
MAX_RECEIVED = 1024 * 1024  # bytes kept of what comes back
MAX_CA = 256 * 1024  # characters of authorities
MAX_NAME = 253  # characters of a host name
MAX_PIECES = 10_000  # kept of what comes back
Ended = Literal["answered", "quiet", "closed", "reset", "timeout"]
FIELDS = frozenset(
    {"transport", "host", "port", "data", "encoding", "framing", "timeout", "expect", "finish", "broadcast", "tls"}
)


class Trust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server is made sure of, where TLS is spoken."""

    ca: str = ""  # certificates of authorities, or the server's own, as PEM; those of the system are believed besides
    insecure: bool = False  # whatever it shows is taken
    name: str = ""  # that the server is asked for and its certificate must be for; empty: the host


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange to be made."""

    transport: Transport
    host: str  # an address or a name; for UNIX transports a path
    port: int = 0  # 0 for UNIX transports
    data: bytes = b""  # streams send nothing when it is empty, datagram sockets an empty datagram
    framing: Framing = Framing()  # streams only
    timeout: float = TIMEOUT  # seconds to connect in, and again to answer in
    # This many messages back are all, 0 for none; None: as many as were sent, or until nothing more comes
    expect: int | None = None
    finish: bool = False  # streams: end our side after sending, for servers that answer only then (as `nc -N` does)
    tls: Trust | None = None  # TCP only; None: plain text
    identity: str = ""  # our own certificate and its key, as PEM; from the command line alone
    broadcast: bool = False  # UDP: the host may be a broadcast address, and everyone has until the timeout to answer


class Received(msgspec.Struct, frozen=True):
    """Bytes that came back: one read of a stream, one frame of a framed one, or one datagram."""

    data: bytes
    at: int  # microseconds since 1970, UTC
    peer: str  # who sent them
    after_ms: float  # since the first byte was sent


class Met(msgspec.Struct, frozen=True):
    """Whom TLS was spoken with, and how."""

    version: str  # TLS 1.3
    cipher: str
    subject: str  # of the server's certificate
    issuer: str
    until: str  # when it ends, RFC 3339
    sha256: str  # its fingerprint, in hex
    believed: bool  # whether it was checked


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange that took place, answered or not."""

    sent: bytes  # with its framing, as it went over the wire
    sent_at: int  # microseconds since 1970, UTC
    peer: str  # whom it was sent to
    local: str  # from where
    received: list[Received]
    bytes_received: int  # all that came back, kept or not
    seconds: float  # from the first byte sent to the last one received, or to giving up
    ended: Ended
    tls: Met | None = None  # None: plain text
    note: str = ""  # a sentence for people where there is something to say: nothing came back, only a part is shown


def as_dict(done: Exchange) -> dict[str, Any]:
    """The exchange as the API and `--json` tell it: times in RFC 3339, bytes as base64."""
    return {
        **msgspec.to_builtins(done),
        "sent_at": rfc3339(done.sent_at),
        "received": [{**msgspec.to_builtins(piece), "at": rfc3339(piece.at)} for piece in done.received],
    }


def build(words: Mapping[str, Any]) -> Request:
    """The request that a person's `words` mean: the fields of FIELDS, `data` as text in `encoding`, or as bytes.

    Raises RequestRefused or TextMalformed, whose `field` says beside which field the sentence belongs.
    """
    if unknown := sorted(str(word) for word in set(words) - FIELDS):
        raise RequestRefused(f"{unknown[0]!r} is no field of a request.", field=unknown[0])
    transport = words.get("transport", "tcp")
    if transport not in TRANSPORTS:
        raise RequestRefused(f"The transport is one of {', '.join(TRANSPORTS)}.", field="transport")
    return Request(
        transport=transport,
        host=_host(words.get("host"), transport),
        port=_port(words.get("port"), transport),
        data=_data(words),
        framing=_framing(words.get("framing"), transport),
        timeout=_timeout(words.get("timeout")),
        expect=_expect(words.get("expect")),
        finish=_finish(words.get("finish"), transport),
        broadcast=_broadcast(words.get("broadcast"), transport),
        tls=_tls(words.get("tls"), transport),
    )


def _host(host: Any, transport: str) -> str:
    what = "the path of the socket" if transport in UNIX else "an address or a name"
    if not isinstance(host, str) or not host.strip():
        raise RequestRefused(f"The host is missing: give {what}.", field="host")
    if "\0" in host:
        raise RequestRefused(f"A host with a NUL character is no address: give {what}.", field="host")
    if transport in UNIX:
        if len(host.encode("utf-8", "surrogateescape")) > validation.UNIX_PATH_BYTES:
            raise RequestRefused(f"A UNIX socket's path has up to {validation.UNIX_PATH_BYTES} bytes.", field="host")
        return host
    return host.strip().removeprefix("[").removesuffix("]")


def _port(port: Any, transport: str) -> int:
    if transport in UNIX:
        return 0
    if isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65_535:
        return port
    raise RequestRefused("The port is a whole number from 1 to 65535.", field="port")


def _data(words: Mapping[str, Any]) -> bytes:
    data = words.get("data")
    if data is None:
        data = b""
    if not isinstance(data, bytes):
        data = payload(data, words.get("encoding") or "text")
    if len(data) > MAX_SENT:
        raise RequestRefused(f"The data has {len(data):,} bytes; a client sends up to {MAX_SENT:,}.", field="data")
    return data


def _framing(words: Any, transport: str) -> Framing:
    if isinstance(words, str):
        words = {"type": words}
    try:
        framing = validation.build_framing(words or {})
    except ConfigurationRefused as error:
        field, sentence = next(iter(error.problems.items()))
        raise RequestRefused(sentence, field=field) from None
    if framing.type != "none" and transport not in STREAMS:
        raise RequestRefused(
            "A datagram is a message already: framing is for TCP and UNIX streams.", field="framing.type"
        )
    return framing


def _timeout(timeout: Any) -> float:
    if timeout is None:
        return TIMEOUT
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and 0 < timeout <= MAX_TIMEOUT:
        return float(timeout)
    raise RequestRefused(f"The timeout is more than 0 and up to {MAX_TIMEOUT:.0f} seconds.", field="timeout")


def _expect(expect: Any) -> int | None:
    if expect is None or (isinstance(expect, int) and not isinstance(expect, bool) and 0 <= expect <= 100_000):
        return expect
    raise RequestRefused("The number of messages to expect is 0 to 100,000.", field="expect")


def _finish(finish: Any, transport: str) -> bool:
    if finish and transport not in STREAMS:
        raise RequestRefused("Only a stream has an end that can be sent.", field="finish")
    return bool(finish)


def _broadcast(broadcast: Any, transport: str) -> bool:
    if broadcast and transport != "udp":
        raise RequestRefused("A broadcast goes over UDP.", field="broadcast")
    return bool(broadcast)


def _tls(words: Any, transport: str) -> Trust | None:
    """Of true or false, or of the fields of Trust."""
    if words is None or words is False:
        return None
    if transport != "tcp":
        raise RequestRefused("TLS is spoken over TCP.", field="tls")
    try:
        trust = msgspec.convert({} if words is True else words, Trust)
    except msgspec.ValidationError as error:
        field, sentence = wording.refused("tls", Trust, str(error))
        raise RequestRefused(sentence, field=field) from None
    if len(trust.ca) > MAX_CA:
        raise RequestRefused(f"Authorities have up to {MAX_CA:,} characters.", field="tls.ca")
    if len(trust.name) > MAX_NAME or not (trust.name.isascii() and trust.name.isprintable()):
        raise RequestRefused(f"A server's name has up to {MAX_NAME} ASCII characters.", field="tls.name")
    return trust
