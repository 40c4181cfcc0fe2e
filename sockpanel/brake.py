"""What makes a writer wait while a connection is full. It knows no protocol."""

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer  # type: ignore[import-untyped]

STALLED = 300.0  # seconds that a full transport may go without emptying


@implementer(IPushProducer)
class Brake:
    """Closed while a transport holds more than Twisted's 64 KiB, until it has handed all of it to the kernel."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    stopProducing = resumeProducing  # the connection is gone: nothing to wait for

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._open.is_set()

    async def wait(self) -> bool:
        """False when the transport has not emptied in time."""
        if self.is_open:
            return True
        try:
            await asyncio.wait_for(self._open.wait(), STALLED)
        except TimeoutError:
            return False
        return True
