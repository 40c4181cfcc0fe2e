"""Keys of sessions and tokens that came to a server: whoever keeps them is asked to end them, at once. It knows neither.

@receiver(exposure.came)
def end(exposed: list[Exposed], at: str, server: Server | None, **_) -> list[str]: ...   # what was ended, a sentence for each
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections
from django.dispatch import Signal

from services import audit, hints
from services.batches import note_incidents
from services.books import Book
from services.jobs import Job
from services.models import Server
from services.servers import clock
from services.servers.report import Exposed, Incident
from services.servers.spec import join_address

logger = logging.getLogger(__name__)

came = Signal()
MOST = 10_000  # that wait; who sends more has made them up
PAUSE = 0.1  # seconds between two looks at all sessions
RETRY = 1.0  # seconds until a database that is away is asked again
CLOSE_WITHIN = 5.0  # seconds for the last ones at the end

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Exposure:
    """Takes notes in the supervisor's loop, and has all that came meanwhile ended together."""

    def __init__(self, spawn: Spawn, put: Callable[[Job], None]) -> None:
        self._spawn = spawn
        self._put = put
        self._waiting: list[tuple[int, Exposed]] = []
        self._rests = asyncio.Event()
        self._rests.set()

    def note(self, server: int, exposed: list[Exposed]) -> None:
        """They came to a server."""
        self._waiting += [(server, one) for one in exposed[: max(0, MOST - len(self._waiting))]]
        if self._waiting and self._rests.is_set():
            self._rests.clear()
            self._spawn(self._end_all(), "exposed keys")

    async def close(self) -> None:
        """Returns when all are ended, or after some seconds."""
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._rests.wait()
        except TimeoutError:
            logger.error("The database was not there to end %d keys that came to servers.", len(self._waiting))

    async def _end_all(self) -> None:
        try:
            while self._waiting:  # noqa: ASYNC110 - what is waited for here is that others have their turn
                await asyncio.sleep(PAUSE if await self._end_some() else RETRY)
        finally:
            self._rests.set()

    async def _end_some(self) -> bool:
        waiting, self._waiting = self._waiting, []
        try:
            ended = await sync_to_async(_end)(waiting)
        except Error as error:
            logger.error("Keys that came to a server could not be ended, and are tried again: %s", error)
            self._waiting = [*waiting, *self._waiting][:MOST]
            await sync_to_async(close_old_connections)()  # a broken connection would stay broken
            return False
        for server, sentences in ended.items():
            self._put(Tell(server, sentences))
        if ended:
            await hints.ahint(hints.PANEL)
        return True


class Tell(Job):
    """What was ended, as incidents of the server."""

    def __init__(self, server: int, sentences: list[str]) -> None:
        super().__init__(server)
        self.sentences = sentences

    def write(self, books: dict[int, Book]) -> None:
        note_incidents(self.server, [Incident(clock.now(), "secret", "", sentence) for sentence in self.sentences])


def _end(waiting: list[tuple[int, Exposed]]) -> dict[int, list[str]]:
    """By server, what was ended."""
    by_server: defaultdict[int, list[Exposed]] = defaultdict(list)
    for number, exposed in waiting:
        by_server[number].append(exposed)
    ended = {number: _ended(number, exposed) for number, exposed in by_server.items()}
    return {number: sentences for number, sentences in ended.items() if sentences}


def _ended(number: int, exposed: list[Exposed]) -> list[str]:
    server = Server.objects.filter(pk=number).first()
    at = f"the server {server.name} ({_address(server)})" if server else "a server that is gone"
    with audit.coming_from("supervisor"):
        answers = came.send(sender=Exposure, exposed=exposed, at=at, server=server)
    ended = [sentence for _, sentences in answers for sentence in sentences or ()]
    for sentence in ended:
        logger.warning("%s: %s", at, sentence)
    return ended


def _address(server: Server) -> str:
    host = str(server.host)
    return join_address(host, server.port) if server.port else host
