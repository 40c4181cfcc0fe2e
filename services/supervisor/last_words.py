"""The last lines that a worker wrote to its stderr: always drained, never more than a little kept.

It knows no process: it reads one end of a pipe.
"""

import os
from collections import deque

from services.servers import escapes
from services.servers.redaction import clean
from services.supervisor.timers import Loop, Timer

LINES = 50
_LINE_BYTES = 1000
_CHUNK = 64 * 1024  # what a pipe holds
_PAUSE = 0.001  # after a full pipe: at most 64 MB/s are read, so that a flood does not take the loop


class LastWords:
    """Reads `descriptor` until `close`; does not own it."""

    def __init__(self, descriptor: int, loop: Loop) -> None:
        self._descriptor = descriptor
        self._loop = loop
        self._tail = b""
        self._pause: Timer | None = None
        os.set_blocking(descriptor, False)
        self._listen()

    def text(self) -> str:
        """The last lines, hostile bytes made visible and keys taken out; long lines lose their middle."""
        lines = deque(self._tail.splitlines(), maxlen=LINES)
        return "\n".join(escapes.to_text(_shortened(clean(line))) for line in lines)

    def close(self) -> None:
        """Takes what is left and reads no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._descriptor)
        self._read()

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._descriptor, self._readable)

    def _readable(self) -> None:
        size = self._read()
        if size == 0:
            self._loop.remove_reader(self._descriptor)
        elif size == _CHUNK:
            self._loop.remove_reader(self._descriptor)
            self._pause = self._loop.call_later(_PAUSE, self._listen)

    def _read(self) -> int:
        """Bytes taken; 0 at the end, -1 when there is nothing now."""
        try:
            chunk = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return -1
        self._tail = (self._tail + chunk)[-_CHUNK:]
        return len(chunk)


def _shortened(line: bytes) -> bytes:
    if len(line) <= _LINE_BYTES:
        return line
    half = _LINE_BYTES // 2
    return line[:half] + b" ... " + line[-half:]
