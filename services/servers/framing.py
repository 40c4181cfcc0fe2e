r"""Bytes in, whole messages out, and back again; the one implementation for links, servers and clients. It knows no socket.

decoder = framing.decoder(Framing(type="line"))
decoder.feed(b"one\r\ntw") == [b"one"]
decoder.feed(b"o\n") == [b"two"]
framing.encode(Framing(type="length", size=2), b"hi") == b"\0\2hi"
"""

from collections.abc import Iterator

from services.errors import FrameMalformed, FrameTooLong
from services.servers import escapes
from services.servers.spec import Framing

CR = 13
Found = tuple[int, int, int] | None  # where a payload begins, where it ends, where the next message begins


class Decoder:
    """Takes the bytes of one stream as they come. This one is for type `none`: every read is a message."""

    def __init__(self, framing: Framing) -> None:
        self.ending = b""  # what goes behind an answer: for lines, what ended the message that `frames` gave last
        self._limit = framing.max_bytes
        self.half = self._buffer = bytearray()  # bytes held of a message that is not whole; to look at only
        self._failure: FrameTooLong | FrameMalformed | None = None

    @property
    def pending(self) -> int:
        """Bytes held of a message that is not whole."""
        return len(self._buffer)

    def frames(self, data: bytes) -> Iterator[bytes]:
        """The payloads of the messages that `data` completes, one at a time; finish one call before the next.

        Raises FrameTooLong or FrameMalformed behind the messages before the bad one; nothing can be decoded after that.
        """
        return iter((data,))

    def feed(self, data: bytes) -> list[bytes]:
        """`frames` as a list. What is wrong behind good messages is raised by the next call."""
        if self._failure:
            raise self._failure
        frames: list[bytes] = []
        try:
            frames.extend(self.frames(data))
        except (FrameTooLong, FrameMalformed) as error:
            if not frames:
                raise
            self._failure = error
        return frames

    def rest(self) -> bytes:
        """What is held when the stream has ended: a last message that nobody finished. It is forgotten."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def wrap(self, payload: bytes) -> bytes:
        """`payload` framed as the message that `frames` gave last. Raises FrameTooLong when a prefix cannot count it."""
        return payload + self.ending


class _Buffered(Decoder):
    """Holds what is not whole; a subclass finds where one message ends."""

    def frames(self, data: bytes) -> Iterator[bytes]:
        source: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            source = self._buffer
        start = 0
        try:
            while found := self._find(source, start):
                begin, end, start = found
                yield bytes(source[begin:end])
        finally:
            if source is data:
                self._buffer += data[start:]
            else:
                del self._buffer[:start]

    def _find(self, source: bytes | bytearray, start: int) -> Found:
        raise NotImplementedError

    def _too_long(self, size: int) -> FrameTooLong:
        return FrameTooLong(
            f"A frame of {size} > max {self._limit}: the sender must send shorter ones, or raise framing.max_bytes."
        )


class _Delimited(_Buffered):
    """Messages that end with the same bytes each."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing)
        self.ending = escapes.to_bytes(framing.delimiter)
        self._searched = 0  # so much of the buffer holds no delimiter: bytes that trickle in are searched once

    def _find(self, source: bytes | bytearray, start: int) -> Found:
        length = len(self.ending)
        end = source.find(self.ending, start + self._searched)
        found = end >= 0
        if not found:
            end = max(start, len(source) - length + 1)  # the earliest place where one may yet begin
        self._searched = 0 if found else end - start
        if end - start > self._limit:
            raise self._too_long(end - start)
        return (start, end, end + length) if found else None


class _Lines(_Buffered):
    """Lines that end with LF or CRLF; an answer ends as its line did."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing)
        self.ending = b"\n"
        self._searched = 0

    def _find(self, source: bytes | bytearray, start: int) -> Found:
        newline = source.find(b"\n", start + self._searched)
        found = newline >= 0
        end = newline if found else len(source)
        self._searched = 0 if found else end - start
        carriage = end > start and source[end - 1] == CR
        if end - carriage - start > self._limit:
            raise self._too_long(end - carriage - start)
        if not found:
            return None
        self.ending = b"\r\n" if carriage else b"\n"
        return start, end - carriage, end + 1


class _Fixed(_Buffered):
    """Messages of one size."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing)
        self._size = framing.size

    def _find(self, source: bytes | bytearray, start: int) -> Found:
        end = start + self._size
        return (start, end, end) if end <= len(source) else None


class _Prefixed(_Buffered):
    """Messages behind their length; the limit is checked on the length alone."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing)
        self._prefix = framing.size
        self._order = framing.order
        self._own = framing.size if framing.includes_itself else 0

    def _find(self, source: bytes | bytearray, start: int) -> Found:
        begin = start + self._prefix
        if begin > len(source):
            return None
        size = int.from_bytes(source[start:begin], self._order) - self._own
        if size < 0:
            raise FrameMalformed(
                f"A length of {size + self._own} does not even count its own {self._own} bytes: "
                "the sender must include them, or switch framing.includes_itself off."
            )
        if size > self._limit:
            raise self._too_long(size)
        end = begin + size
        return (begin, end, end) if end <= len(source) else None

    def wrap(self, payload: bytes) -> bytes:
        try:
            return (len(payload) + self._own).to_bytes(self._prefix, self._order) + payload
        except OverflowError:
            raise FrameTooLong(
                f"A prefix of {self._prefix} bytes cannot count {len(payload)} bytes: send less, or use a wider prefix."
            ) from None


_DECODERS: dict[str, type[Decoder]] = {
    "none": Decoder,
    "line": _Lines,
    "delimiter": _Delimited,
    "fixed": _Fixed,
    "length": _Prefixed,
}


def decoder(framing: Framing) -> Decoder:
    """A decoder for one stream."""
    return _DECODERS[framing.type](framing)


def encode(framing: Framing, payload: bytes) -> bytes:
    """`payload` as one message on the wire. Raises FrameTooLong when its prefix cannot count it."""
    return decoder(framing).wrap(payload)
