"""The worker's end of the socketpair: bytes to the supervisor, orders from it, and its end of file when nobody supervises any more."""

import asyncio
from collections.abc import Callable
from typing import cast

from services.errors import FrameTooLong, WorkerBroken
from services.servers import framing, notices, report
from services.servers.report import ToWorker


class Link(asyncio.Protocol):
    """`heard` is called with each order, `cut` once when the supervisor is gone."""

    _transport: asyncio.Transport

    def __init__(self, heard: Callable[[ToWorker], None], cut: Callable[[], None]) -> None:
        self._heard = heard
        self._cut = cut
        self._decoder = framing.decoder(report.FRAMING)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._decoder.frames(data):
                self._heard(report.decode_to_worker(payload))
        except (FrameTooLong, WorkerBroken) as error:
            notices.tell(error.message)
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._cut()

    def send(self, frame: bytes) -> None:
        """Hand a frame over; the reporter's window bounds what may wait here."""
        if not self._transport.is_closing():
            self._transport.write(frame)

    def close(self) -> None:
        """Flush what waits, and close."""
        self._transport.close()
