"""Lines on standard output from a thread of their own, so that a paused terminal or a slow pipe holds up no server.

Who can wait does so (`room`); for who cannot, what does not fit is counted and said, not kept.
"""

import asyncio
import contextlib
import sys
import threading
from collections import deque
from typing import TextIO

from services import terminal

MOST_LINES = 10_000  # that wait to be printed
MOST_BYTES = 8 * 1024 * 1024
CLOSE_WITHIN = 2.0  # seconds


class Printer:
    """Takes lines or bytes from one event loop and prints them in order."""

    def __init__(self, gone: asyncio.Event, out: TextIO | None = None) -> None:
        """`gone` is an event of the running loop: set when nobody reads any more, and by whoever wants an end."""
        self._gone, self._loop = gone, asyncio.get_running_loop()
        self._emptied = asyncio.Event()
        self._out = out or sys.stdout
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._left_out = 0
        self._closing = False
        self._ready = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether the next line would be left out."""
        return len(self._waiting) >= MOST_LINES or self._bytes >= MOST_BYTES

    def line(self, text: str) -> None:
        """One line."""
        self.raw(terminal.line(text))

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        with self._ready:
            if self.is_full:
                self._left_out += 1
                return
            self._waiting.append(data)
            self._bytes += len(data)
            self._ready.notify()

    def left_out(self, lines: int) -> None:
        """Count lines that nobody even made, because it is full."""
        with self._ready:
            self._left_out += lines

    async def room(self) -> None:
        """Wait until it is not full, or gone."""
        while self.is_full and not self._gone.is_set():
            self._emptied.clear()
            waits = [asyncio.create_task(event.wait(), name="room") for event in (self._emptied, self._gone)]
            if self.is_full:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def close(self) -> None:
        """Print what waits, for a moment at the most."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join(CLOSE_WITHIN)

    def _run(self) -> None:
        try:
            while (chunk := self._next()) is not None:
                self._out.buffer.write(chunk)
                self._out.buffer.flush()
        except OSError:  # the reader of a pipe has seen enough
            terminal.forget(self._out)
            self._tell(self._gone)

    def _next(self) -> bytes | None:
        """Everything that waits; None when it is over."""
        with self._ready:
            while not self._waiting and not self._closing:
                self._ready.wait()
            if not self._waiting:
                return None
            chunk = b"".join(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._tell(self._emptied)  # only now: who waits looks again at once
            if self._left_out:
                chunk += terminal.line(
                    f"... {self._left_out:,} lines not shown: they came faster than they could be printed"
                )
                self._left_out = 0
            return chunk

    def _tell(self, event: asyncio.Event) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(event.set)
