"""Messages as bytes, and the datagrams that carry them between endpoints. It knows no socket and trusts nothing it decodes.

data = encode(Letter(epoch="", sent=time.monotonic_ns(), channel="specific.bus-...!1", payload=pack({"type": "look"})))
decode(data)  # the same Letter; None when no layer wrote it
"""

from typing import Annotated, Any

import msgspec
from channels.exceptions import MessageTooLarge

from services.bus.names import MAX_NAME

MAX_DATAGRAM = 64 * 1024  # bytes; a larger payload travels beside the datagram, in memory of its own
MAX_INLINE = 32 * 1024

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Datagram(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag_field="t"):
    """Base of everything that one endpoint tells another. `sent` is the machine's monotonic clock in nanoseconds."""

    epoch: Annotated[str, msgspec.Meta(max_length=32)]
    sent: Count


class Letter(Datagram, frozen=True, tag=1):
    """A message to one process-specific channel. With `beside`, that many bytes of payload come beside the datagram."""

    channel: Name
    payload: bytes = b""
    beside: Count = 0


class Circular(Datagram, frozen=True, tag=2):
    """A message to all members of a group that the receiving endpoint knows."""

    group: Name
    payload: bytes = b""
    beside: Count = 0


class Wake(Datagram, frozen=True, tag=3):
    """A normal channel has something to read."""

    channel: Name


class Join(Datagram, frozen=True, tag=4):
    """A channel of the receiving endpoint is to be a member of a group."""

    group: Name
    channel: Name


class Leave(Datagram, frozen=True, tag=5):
    """A channel of the receiving endpoint is to be a member no longer."""

    group: Name
    channel: Name


_encoder = msgspec.msgpack.Encoder()
_datagrams: msgspec.msgpack.Decoder[Letter | Circular | Wake | Join | Leave] = msgspec.msgpack.Decoder(
    Letter | Circular | Wake | Join | Leave
)
_messages: msgspec.msgpack.Decoder[dict[str, Any]] = msgspec.msgpack.Decoder(dict[str, Any])


def encode(datagram: Datagram) -> bytes:
    return _encoder.encode(datagram)


def decode(data: bytes) -> Letter | Circular | Wake | Join | Leave | None:
    """None for what no layer wrote."""
    try:
        return _datagrams.decode(data)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def pack(message: dict[str, Any], limit: int) -> bytes:
    """The message as bytes. Raises TypeError for what a message may not hold, MessageTooLarge above `limit` bytes."""
    if not isinstance(message, dict):
        raise TypeError(f"A message is a dict, not a {type(message).__name__}.")
    if "__asgi_channel__" in message:
        raise TypeError("A message cannot hold the key '__asgi_channel__': the layer uses it.")
    try:
        payload = _encoder.encode(_plain(message))
    except RecursionError:
        raise TypeError("A message is nested too deeply, or holds itself.") from None
    except UnicodeEncodeError as error:
        raise TypeError(f"A message holds text that is no Unicode: {error.reason}.") from None
    if len(payload) > limit:
        raise MessageTooLarge(f"A message of {len(payload)} bytes is over the {limit} that the layer takes: send less.")
    return payload


def unpack(payload: bytes) -> dict[str, Any] | None:
    """The message; None for bytes that no layer wrote."""
    try:
        return _plain(_messages.decode(payload))
    except (ValueError, TypeError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    """A copy of exactly the types that the specification allows: tuples become lists, SafeString becomes str."""
    kind = type(value)
    if kind in (str, bytes, float, bool) or value is None:
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise TypeError("A message holds an integer beyond 64 bits.")
        return int(value)
    if isinstance(value, dict):
        return {_key(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return _exact(value)
    if isinstance(value, bytes | float):
        return bytes(value) if isinstance(value, bytes) else float(value)
    raise TypeError(
        f"A message holds a {kind.__name__}: bytes, str, int, float, bool, None, list and dict can be sent."
    )


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"A message holds a dict with a key of type {type(key).__name__}: keys are str.")
    return _exact(key)


def _exact(text: str) -> str:
    return str.__str__(text)  # str() would leave a SafeString what it is
