"""Keys of sessions and tokens that came to a server: whoever keeps them is asked to end them, at once. It knows neither.

@receiver(exposure.came)
def end(exposed: list[Exposed], at: str, server: Server | None, **_) -> list[str]: ...   # what was ended, a sentence for each
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from itertools import chain
from typing import Any, NamedTuple

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
MOST_FAULTS = 5  # of one, until it is given up
PAUSE = 0.1  # seconds between two looks at all sessions
RETRY = 1.0  # seconds until a database that is away is asked again
CLOSE_WITHIN = 5.0  # seconds for the last ones at the end

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Waiting(NamedTuple):
    """One that waits to be ended."""

    server: int
    exposed: Exposed
    faults: int = 0  # how often it alone was more than whoever ends it could do


class Exposure:
    """Takes notes in the supervisor's loop, and has all that came meanwhile ended together."""

    def __init__(self, spawn: Spawn, put: Callable[[Job], None]) -> None:
        self._spawn = spawn
        self._put = put
        self._waiting: list[Waiting] = []
        self._at_once = MOST
        self._left_out = 0
        self._rests = asyncio.Event()
        self._rests.set()

    def note(self, server: int, exposed: list[Exposed]) -> None:
        """They came to a server."""
        room = max(0, MOST - len(self._waiting))
        self._waiting += [Waiting(server, one) for one in exposed[:room]]
        if len(exposed) > room and not self._left_out:
            logger.error("More than %d keys that came to servers wait to be ended: further ones are left out.", MOST)
        self._left_out += max(0, len(exposed) - room)
        if self._waiting and self._rests.is_set():
            self._rests.clear()
            self._spawn(self._end_all(), "exposed keys")

    async def close(self) -> None:
        """Returns when all are ended, or after some seconds."""
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._rests.wait()
        except TimeoutError:
            logger.error("%d keys that came to servers could not be ended in time.", len(self._waiting))

    async def _end_all(self) -> None:
        try:
            while self._waiting:  # noqa: ASYNC110 - what is waited for here is that others have their turn
                await asyncio.sleep(PAUSE if await self._end_some() else RETRY)
        finally:
            if self._left_out:
                logger.error("%d keys that came to servers were left out, for there were too many.", self._left_out)
            self._left_out = 0
            self._rests.set()

    async def _end_some(self) -> bool:
        """Whether it could be done: one server at a time, so that what was ended at one is told whatever becomes of the next."""
        taken, self._waiting = self._waiting[: self._at_once], self._waiting[self._at_once :]
        by_server: defaultdict[int, list[Waiting]] = defaultdict(list)
        for one in taken:
            by_server[one.server].append(one)
        while by_server:
            number = next(iter(by_server))
            if not await self._end_at(number, by_server.pop(number)):
                self._waiting += chain.from_iterable(by_server.values())
                return False
        self._at_once = min(MOST, self._at_once * 2)
        return True

    async def _end_at(self, number: int, here: list[Waiting]) -> bool:
        try:
            ended = await sync_to_async(_ended)(number, [one.exposed for one in here])
        except Error as error:
            logger.error("Keys that came to a server could not be ended, and are tried again: %s", error)
            self._waiting = [*here, *self._waiting]
            await sync_to_async(close_old_connections)()  # a broken connection would stay broken
            return False
        except Exception:
            logger.exception("%d keys that came to a server could not be ended.", len(here))
            self._take_apart(here)
            return False
        if ended:
            self._put(Tell(number, ended))
            await hints.ahint(hints.PANEL)
        return True

    def _take_apart(self, taken: list[Waiting]) -> None:
        """One that cannot be ended must not keep the others: it is found by halves, tried again behind them, and given up."""
        if len(taken) > 1:
            self._at_once = len(taken) // 2
            self._waiting = [*taken, *self._waiting]
            return
        one = taken[0]._replace(faults=taken[0].faults + 1)
        if one.faults < MOST_FAULTS:
            self._waiting.append(one)
        else:
            logger.error(
                "A %s's key that came from %s was not ended: end it by hand.", one.exposed.kind, one.exposed.peer
            )


class Tell(Job):
    """What was ended, as incidents of the server."""

    def __init__(self, server: int, sentences: list[str]) -> None:
        super().__init__(server)
        self.sentences = sentences

    def write(self, books: dict[int, Book]) -> None:
        note_incidents(self.server, [Incident(clock.now(), "secret", "", sentence) for sentence in self.sentences])


def _ended(number: int, exposed: list[Exposed]) -> list[str]:
    server = Server.objects.filter(pk=number).first()
    at = f"the server {server.name} ({_address(server)})" if server else "a server that is gone"
    with audit.coming_from("supervisor"):
        return end(exposed, at, server)


def end(exposed: list[Exposed], at: str, server: Server | None) -> list[str]:
    """Have these ended, which came to `at`: a sentence for each that was alive."""
    answers = came.send(sender=Exposure, exposed=exposed, at=at, server=server)
    ended = [sentence for _, sentences in answers for sentence in sentences or ()]
    for sentence in ended:
        logger.warning("%s: %s", at, sentence)
    return ended


def _address(server: Server) -> str:
    host = str(server.host)
    return join_address(host, server.port) if server.port else host
