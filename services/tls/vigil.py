"""Writes into the log which certificates end soon, each at 21, 7 and 1 day and once it has ended. Part of the supervisor's runtime."""

import asyncio
import logging

from asgiref.sync import sync_to_async

from services.tls import expiry

LOOK_EVERY = 3600.0  # seconds

logger = logging.getLogger(__name__)


class Vigil:
    """Remembers what it has said."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int]] = set()

    async def keep(self) -> None:
        """Until it is cancelled."""
        while True:
            await sync_to_async(self.look)()
            await asyncio.sleep(LOOK_EVERY)

    def look(self) -> None:
        """One look: what is new is told."""
        found = expiry.ending()
        for one in found:
            if (one.fingerprint, one.days) not in self._told:
                logger.warning("%s", one.sentence)
        self._told = {(one.fingerprint, one.days) for one in found}
