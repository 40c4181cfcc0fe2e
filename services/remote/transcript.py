"""What is kept of a command's output: pieces of stdout and stderr in the order in which they came, as bytes.

A piece is its stream (1 byte), its length (4 bytes, big-endian) and its data.

    list(pieces(transcript.kept)) == [("stdout", b"..."), ("stderr", b"...")]
"""

from collections.abc import Iterator

KEPT_BYTES = 1024 * 1024  # of both streams of one command
NAMES = {1: "stdout", 2: "stderr"}
_HEAD = 5


class Transcript:
    """Grows while the command runs, up to its bound."""

    def __init__(self) -> None:
        self.size = 0  # bytes of output that are kept
        self._kept = bytearray()
        self._last = (0, 0)  # stream of the last piece, and where it begins

    @property
    def kept(self) -> bytes:
        return bytes(self._kept)

    def add(self, stream: int, data: bytes) -> None:
        """The next output; what is beyond the bound is not kept."""
        part = data[: KEPT_BYTES - self.size]
        if not part:
            return
        self.size += len(part)
        if self._last[0] != stream:
            self._last = (stream, len(self._kept))
            self._kept += bytes([stream]) + bytes(4)
        self._kept += part
        begin = self._last[1]
        self._kept[begin + 1 : begin + _HEAD] = (len(self._kept) - begin - _HEAD).to_bytes(4, "big")


def pieces(kept: bytes) -> Iterator[tuple[str, bytes]]:
    """("stdout" or "stderr", data), in order."""
    at = 0
    while at + _HEAD <= len(kept):
        size = int.from_bytes(kept[at + 1 : at + _HEAD], "big")
        yield NAMES.get(kept[at], "stdout"), bytes(kept[at + _HEAD : at + _HEAD + size])
        at += _HEAD + size


def stream_of(kept: bytes, name: str) -> bytes:
    """All that is kept of one stream."""
    return b"".join(data for stream, data in pieces(kept) if stream == name)
