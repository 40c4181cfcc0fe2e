"""The frames of the WebSockets, as text: what comes in is checked here, what goes out is built here. It knows no socket.

docs/live.md describes them for people who write a client.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from services.errors import RequestRefused
from services.history import MessageOut

MAX_FRAME_BYTES = 64 * 1024
MAX_FILTER = 1000  # characters
MAX_SEQ = 2**63 - 1

# Close codes, beside 1000 (1012 is the server's own, at a restart)
SIGNED_OUT = 4401
NOT_ALLOWED = 4403
UNKNOWN = 4404
NO_PROGRESS = 4408
TOO_MUCH = 4429
RESTART = 4503

# What a close says beside its code, for people
REASONS = {
    SIGNED_OUT: "The session, the token or the account has ended: sign in.",
    NOT_ALLOWED: "Your role does not include this.",
    UNKNOWN: "There is nothing at this address.",
    NO_PROGRESS: "Nothing was acknowledged for 30 s: come back when you can read.",
    TOO_MUCH: "Too many sockets, or too many frames: come back later.",
    RESTART: "The panel cannot go on just now: come back in a moment.",
}

Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]


class Follow(msgspec.Struct, frozen=True, tag_field="type", tag="follow"):
    """Send the messages after `after` and the incidents after `incident`; None: from the newest on."""

    after: Seq | None = None
    incident: Seq | None = None
    filter: Annotated[str, msgspec.Meta(max_length=MAX_FILTER)] = ""


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """Everything up to `seq` is shown, and so is whatever has no number."""

    seq: Seq = 0


Incoming = Follow | Ack

# What a client may say, and the deed that it is; what remote-command servers recorded is guarded besides (live.people)
SAYS: dict[type[Incoming], str] = {Follow: "servers.see", Ack: "servers.see"}

_decoder = msgspec.json.Decoder(Incoming)
_encoder = msgspec.json.Encoder()


def decode(text: str | None) -> Incoming:
    """What a client says. Raises RequestRefused for anything else."""
    if text is None:
        raise RequestRefused("A frame is JSON text, not bytes: send an object with a type.")
    if len(text) > MAX_FRAME_BYTES or len(text.encode("utf-8", "replace")) > MAX_FRAME_BYTES:
        raise RequestRefused(f"A frame has up to {MAX_FRAME_BYTES:,} bytes: send less.")
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise RequestRefused(f"The frame makes no sense ({error}): send follow or ack, as docs/live.md says.") from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise RequestRefused("The frame is no JSON: send an object with a type.") from None


def encode(frame: dict[str, Any]) -> str:
    return _encoder.encode(frame).decode()


def encode_message(message: MessageOut) -> bytes:
    return _encoder.encode(message)


def messages(first: int, last: int, skipped: int, encoded: Iterable[bytes]) -> str:
    """The rows first..last, of which `skipped` were left out; the rows are encoded already, once for all sockets."""
    head = f'{{"type":"messages","from":{first},"to":{last},"skipped":{skipped},"messages":['
    return f"{head}{b','.join(encoded).decode()}]}}"


def error(code: str, message: str) -> str:
    return encode({"type": "error", "code": code, "message": message})
