"""Frames after signing in, each counted and sealed in its direction: none can be changed, repeated, left out or turned round.

It knows no socket, and not what stands in a frame.
"""

import hmac

from services.errors import FrameMalformed
from services.servers.commands import wire
from services.servers.commands.wire import MAC_BYTES, SEAL_BYTES


class Channel:
    """One side's view of a session."""

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        self._sending = sending
        self._receiving = receiving
        self._sent = 0
        self._received = 0

    def seal(self, kind: int, body: bytes) -> bytes:
        """The next frame to the other side, length and all."""
        inner = bytes([kind]) + self._sent.to_bytes(8, "big") + body
        self._sent += 1
        return wire.frame(inner + hmac.digest(self._sending, inner, "sha256"))

    def open(self, payload: bytes) -> tuple[int, bytes]:
        """Type and body of the next frame. Raises FrameMalformed for any but the one that the other side sealed next."""
        if len(payload) < SEAL_BYTES:
            raise FrameMalformed(f"A frame of {len(payload)} bytes has no room for its seal: somebody meddles with it.")
        inner, mac = payload[:-MAC_BYTES], payload[-MAC_BYTES:]
        sealed = hmac.compare_digest(mac, hmac.digest(self._receiving, inner, "sha256"))
        if not sealed or int.from_bytes(inner[1:9], "big") != self._received:
            raise FrameMalformed(
                "A frame is not the one that the other side sealed next: somebody meddles with the connection."
            )
        self._received += 1
        return inner[0], inner[9:]
