"""When a key was last used, and from where: written at most once a minute for each, for people to see which keys are alive."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error

from services.models import Key
from services.servers.report import KeyUsed

logger = logging.getLogger(__name__)

EVERY = 60.0  # seconds
MAX_KNOWN = 2_000  # keys whose last note is remembered

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Uses:
    """Takes notes in the supervisor's loop and writes them one after the other, beside it."""

    def __init__(self, spawn: Spawn, clock: Callable[[], float] = time.monotonic) -> None:
        self._spawn = spawn
        self._clock = clock
        self._noted: OrderedDict[bytes, float] = OrderedDict()
        self._waiting: list[KeyUsed] = []
        self._is_writing = False

    def note(self, used: KeyUsed) -> None:
        """A key has let somebody in."""
        now = self._clock()
        if now - self._noted.get(used.public, float("-inf")) < EVERY or len(self._waiting) >= MAX_KNOWN:
            return
        self._noted[used.public] = now
        self._noted.move_to_end(used.public)
        if len(self._noted) > MAX_KNOWN:
            self._noted.popitem(last=False)
        self._waiting.append(used)
        if not self._is_writing:
            self._is_writing = True
            self._spawn(self._write(), "uses of keys")

    async def _write(self) -> None:
        try:
            while self._waiting:
                await sync_to_async(_write)(self._waiting.pop(0))
        except Error as error:  # a database that is away costs a note, and no more
            logger.warning("The use of a key could not be noted: %s", error)
        finally:
            self._is_writing = False


def _write(used: KeyUsed) -> None:
    address = used.source.rpartition(":")[0].strip("[]")[:64].replace("\0", "")
    at = datetime.fromtimestamp(used.at / 1_000_000, UTC)
    Key.objects.filter(public=used.public.hex()[:64]).update(used_at=at, used_from=address)
