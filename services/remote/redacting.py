"""What a command wrote, without what opens this panel; whatever that was is ended, as if it had come to a server. It runs nothing.

redacting = Redacting(command)
data = redacting.feed(stream, data)
await redacting.end_found()
await redacting.close()
"""

import logging

from asgiref.sync import sync_to_async
from django.db import Error

from services import exposure, hints
from services.models import Command, Server
from services.servers.leaks import Leaks
from services.servers.redaction import Scanner
from services.servers.report import Exposed

logger = logging.getLogger(__name__)

MOST = 10_000  # that wait for a database that is away


class Redacting:
    """Of one run of one command."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._scanners: dict[int, Scanner] = {}
        self._leaks = Leaks()
        self._waiting: list[Exposed] = []

    def feed(self, stream: int, data: bytes) -> bytes:
        """The next output of a stream as it is shown and kept."""
        scanner = self._scanners.setdefault(stream, Scanner())
        cleaned = scanner.feed(data)
        if self._leaks.note(scanner.found, 0, self._command.user, is_output=True):
            self._waiting = [*self._waiting, *self._leaks.take()][:MOST]
        return cleaned

    async def end_found(self) -> None:
        """End what has come since the last time; what cannot be ended now is tried again the next time."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        try:
            ended = await sync_to_async(self._end)(waiting)
        except Error as error:
            logger.error("Keys that a command wrote could not be ended, and are tried again: %s", error)
            self._waiting = waiting
            return
        except Exception:  # whatever it is, the command goes on to its written end
            logger.exception("%d keys that a command wrote could not be ended.", len(waiting))
            return
        if ended:
            await hints.ahint(hints.PANEL)

    async def close(self) -> None:
        """The command has ended: nobody comes again for what cannot be ended now, so it is told."""
        await self.end_found()
        if self._waiting:
            logger.error(
                "%d keys that command %s of %s wrote were not ended, for the database was away: find out whose they are, "
                "and end those sessions and tokens by hand.",
                len(self._waiting),
                self._command.pk,
                self._command.user,
            )

    def _end(self, waiting: list[Exposed]) -> list[str]:
        command = self._command
        server = Server.objects.filter(name=command.server).first() if command.server else None
        return exposure.end(waiting, f"{command.server or command.host} (command {command.pk})", server)
