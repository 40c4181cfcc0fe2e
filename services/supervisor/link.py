"""The supervisor's end of a worker's link: frames in, frames out, nothing without a bound.

What comes from a worker is not trusted. It knows no process: who listens decides what a broken link means.
"""

import socket
from collections import deque
from typing import Protocol

from services.errors import FrameTooLong, SendRefused, WorkerBroken
from services.servers import framing, report
from services.supervisor.allowance import Allowance
from services.supervisor.timers import Loop

# Bytes of batches not yet stored: a worker beyond it is read no further (an honest one holds 16 MiB)
MAX_UNSTORED = 64 * 1024 * 1024
MAX_WAITING = report.MAX_FRAME_BYTES + report.HEADER_BYTES  # bytes that the worker has not taken from us
_CHUNK = 256 * 1024
_MAX_DRAINED = 64 * 1024 * 1024


class Ears(Protocol):
    """Who hears the worker."""

    def heard(self, told: report.FromWorker) -> None:
        """Raises WorkerBroken for what it must not say."""

    def broken(self, why: str) -> None:
        """It said something it must not; nothing more is read."""

    def hung_up(self) -> None:
        """The worker closed its end."""


class Link:
    """Reads from `sock` (non-blocking, ours) until `close`."""

    def __init__(self, sock: socket.socket, loop: Loop, ears: Ears, allowance: Allowance | None = None) -> None:
        self.heard_at = loop.time()
        self._socket = sock
        self._loop = loop
        self._ears = ears
        self._decoder = framing.decoder(report.FRAMING)
        self._deaf = False  # nothing more is read: the end, or an offence
        self._batches = 0  # number of the last batch
        self._unstored: deque[tuple[int, int]] = deque()  # number, bytes
        self._unstored_bytes = 0
        self._allowance = allowance or Allowance()
        self._paused = False  # not read: too much waits for the store
        self._waiting = bytearray()
        self._stored_waits = 0  # a Stored that goes out once `_waiting` is empty; only the last one matters
        loop.add_reader(sock.fileno(), self._readable)

    @property
    def is_held_back(self) -> bool:
        """Whether it waits for the store and is not read."""
        return self._paused

    def catch_up(self) -> None:
        """Takes everything that has arrived."""
        left = _MAX_DRAINED
        while left > 0 and not self._deaf and (data := self._receive()) is not None:
            left -= len(data)
            self._take(data)

    def tell(self, order: report.ToWorker) -> None:
        """Raises SendRefused when the worker has not taken what it was told before."""
        frame = report.encode(order)
        if len(self._waiting) + len(frame) > MAX_WAITING:
            raise SendRefused(
                f"The server has not yet taken the {len(self._waiting):,} bytes given to it before: wait, or send less."
            )
        self._send(frame)

    def stored(self, number: int) -> None:
        """Tells the worker that its batches up to `number` are safe; after the link's end they are only counted."""
        self._forget(min(number, self._batches))
        if self._socket.fileno() < 0:
            return
        if self._waiting:
            self._stored_waits = number
        else:
            self._send(report.encode(report.Stored(number=number)))

    def recorded(self, ask: int) -> None:
        """Tells the worker that the command may run; no harm after the link's end."""
        if self._socket.fileno() >= 0 and len(self._waiting) <= MAX_WAITING:
            self._send(report.encode(report.Recorded(ask)))

    def close(self) -> None:
        """Takes what is left and closes our end."""
        if self._socket.fileno() < 0:
            return
        self.catch_up()
        self._deaf = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._allowance.forget(id(self))
        self._socket.close()

    def _forget(self, number: int) -> None:
        before = self._unstored_bytes
        while self._unstored and self._unstored[0][0] <= number:
            self._unstored_bytes -= self._unstored.popleft()[1]
        self._allowance.give_back(before - self._unstored_bytes)
        self._go_on()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())
        if self._allowance.is_used_up:
            self._allowance.await_room(id(self), self._go_on)

    def _go_on(self) -> None:
        """Read again, unless something still stands in the way."""
        if not self._paused or self._deaf or self._unstored_bytes > MAX_UNSTORED:
            return
        if self._allowance.is_used_up:
            self._allowance.await_room(id(self), self._go_on)
            return
        self._paused = False
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        if self._allowance.is_used_up:
            self._pause()
            return
        data = self._receive()
        if data is not None:
            self._take(data)

    def _receive(self) -> bytes | None:
        """What has arrived; empty at the end, None when there is nothing now."""
        try:
            return self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""  # reset: it went with bytes of ours unread

    def _take(self, data: bytes) -> None:
        if not data:
            self._turn_deaf()
            self._ears.hung_up()
            return
        self.heard_at = self._loop.time()
        try:
            for payload in self._decoder.frames(data):
                self._hear(payload)
        except (FrameTooLong, WorkerBroken) as error:
            self._turn_deaf()
            self._ears.broken(error.message)

    def _hear(self, payload: bytes) -> None:
        told = report.decode_from_worker(payload)
        if isinstance(told, report.Batch):
            self._count(told.number, len(payload))
        self._ears.heard(told)

    def _count(self, number: int, size: int) -> None:
        if number != self._batches + 1:
            raise WorkerBroken(f"Batch {number} came after batch {self._batches}.")
        self._batches = number
        self._unstored.append((number, size))
        self._unstored_bytes += size
        self._allowance.take(size)
        if self._unstored_bytes > MAX_UNSTORED:
            self._pause()

    def _turn_deaf(self) -> None:
        self._deaf = True
        self._loop.remove_reader(self._socket.fileno())

    def _send(self, frame: bytes) -> None:
        was_waiting = bool(self._waiting)
        self._waiting += frame
        if not was_waiting:
            self._flush()
            if self._waiting:
                self._loop.add_writer(self._socket.fileno(), self._writable)

    def _writable(self) -> None:
        self._flush()
        if not self._waiting and self._stored_waits:
            self._waiting += report.encode(report.Stored(number=self._stored_waits))
            self._stored_waits = 0
            self._flush()
        if not self._waiting:
            self._loop.remove_writer(self._socket.fileno())

    def _flush(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: self._socket.send(self._waiting)]
        except (BlockingIOError, InterruptedError):
            pass  # the rest goes when it can
        except OSError:
            self._waiting.clear()  # nobody is there any more; the end of the process says the rest
