"""Who waits for something to read, in one event loop. It knows no message."""

import asyncio

from services.bus.names import non_local


class Readers:
    """The waiting readers of each channel."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}

    async def wait(self, channel: str) -> None:
        """Until there may be something to take from this channel."""
        reader = asyncio.get_running_loop().create_future()
        readers = self._waiting.setdefault(channel, {})
        readers[reader] = None
        try:
            await reader
        finally:
            del readers[reader]
            if not readers:
                self._waiting.pop(channel, None)

    def wake(self, channel: str) -> None:
        """All who read it wake, and the first takes what is there: one that is cancelled meanwhile loses nothing."""
        for name in {channel, non_local(channel)}:
            for reader in self._waiting.get(name, ()):
                if not reader.done():
                    reader.set_result(None)

    def wake_all(self) -> None:
        for channel in list(self._waiting):
            self.wake(channel)
