"""Lines on standard output from a thread of their own, so that a paused terminal or a slow pipe holds up nobody.

What does not fit into the queue is counted and said, not kept: it is on the page, or in the database.
"""

import asyncio
import contextlib
import sys
import threading
from collections import deque
from typing import TextIO

from services import terminal

MOST = 10_000  # lines that wait at the most
CLOSE_WITHIN = 2.0  # seconds


class Printer:
    """Takes lines or bytes from one event loop and prints them in order."""

    def __init__(self, gone: asyncio.Event, out: TextIO | None = None) -> None:
        """`gone` is an event of the running loop: set when nobody reads any more."""
        self._gone, self._loop = gone, asyncio.get_running_loop()
        self._out = out or sys.stdout
        self._waiting: deque[bytes] = deque()
        self._left_out = 0
        self._closing = False
        self._ready = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        """One line."""
        self.raw(terminal.line(text))

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        with self._ready:
            if len(self._waiting) >= MOST:
                self._left_out += 1
                return
            self._waiting.append(data)
            self._ready.notify()

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
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._gone.set)

    def _next(self) -> bytes | None:
        """Everything that waits; None when it is over."""
        with self._ready:
            while not self._waiting and not self._closing:
                self._ready.wait()
            if not self._waiting:
                return None
            chunk = b"".join(self._waiting)
            self._waiting.clear()
            if self._left_out:
                chunk += (
                    f"... {self._left_out:,} lines not shown: they came faster than they could be printed\n".encode()
                )
                self._left_out = 0
            return chunk
