"""Writes into the log which certificates end soon, each at 21, 7 and 1 day and once it has ended. Part of the supervisor's runtime."""

import asyncio
import logging

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections

from services.tls import expiry

LOOK_EVERY = 3600.0  # seconds
RETRY = 60.0  # seconds, while the database is away

logger = logging.getLogger(__name__)


class Vigil:
    """Remembers what it has said."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int]] = set()

    async def keep(self) -> None:
        """Until it is cancelled."""
        while True:
            has_looked = await sync_to_async(self.look)()
            await asyncio.sleep(LOOK_EVERY if has_looked else RETRY)

    def look(self) -> bool:
        """One look: what is new is told. Whether there was one: without a database nothing is known anew, nor forgotten."""
        try:
            found = expiry.ending()
        except Error:  # the supervisor's log tells of it
            close_old_connections()  # a broken one would stay broken
            return False
        for one in found:
            if (one.fingerprint, one.days) not in self._told:
                logger.warning("%s", one.sentence)
        self._told = {(one.fingerprint, one.days) for one in found}
        return True
