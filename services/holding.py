"""Whether messages may be stored now: not while the disk is nearly full, or a long read keeps the database's log from ending.

Nothing that was told is lost by it: the recorder keeps what it has, and workers hold back. It is used in the recorder's thread.

    hold = Hold.of(data_dir)
    if hold.look(): ...             # else hold.why is a code and a sentence for people
"""

import logging
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from django.db import Error, connections

from services import databases, disk
from services.batches import note_incidents
from services.books import Book
from services.disk import Reserve
from services.errors import StoreBusy, StoreFull
from services.jobs import Job
from services.models import MESSAGES
from services.servers import clock
from services.servers.report import Incident
from services.storage import verdict
from services.storage.places import mebibytes
from services.write_ahead import WriteAheadLog

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.5  # seconds; before each transaction when the disk is nearly short
APPETITE = 32 * 1024 * 1024  # bytes of messages in one transaction at the most
CLOSE = 64 * 1024 * 1024  # bytes before the disk is short
PER_BYTE = 4  # bytes that the disk must have for one of a message: in the log, in the database, and what goes with it
REFUSED_FOR = 2.0  # seconds after a refusal before messages are tried again
CALM_AFTER = 5.0  # seconds without a refusal after which all is well
TELL_EVERY = 600.0  # seconds between two incidents of one server: while it lasts, every page says so


class Hold:
    """Open, or held for a reason."""

    def __init__(self, reserve: Reserve | None = None, log: WriteAheadLog | None = None, is_here: bool = True) -> None:
        """`is_here`: the messages are on the reserve's disk."""
        self.why = ""
        self._reserve, self._log, self._is_here = reserve, log or WriteAheadLog(), is_here
        self._is_open = True
        self._is_close = False
        self.appetite = APPETITE  # bytes of messages that the next transaction may have
        self._looked_at = self._refused_at = float("-inf")
        self._told: dict[int, float] = {}

    @classmethod
    def of(cls, data_dir: Path) -> "Hold":
        """What the databases in use need: PostgreSQL has a disk of its own."""
        is_here = connections[MESSAGES].vendor == "sqlite"
        needs_reserve = is_here or connections["default"].vendor == "sqlite"
        return cls(Reserve(data_dir) if needs_reserve else None, WriteAheadLog(databases.file_of(MESSAGES)), is_here)

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def _room(self) -> disk.Room:
        assert self._reserve is not None  # noqa: S101 - asked only where there is one
        return self._reserve.room

    def look(self) -> bool:
        """Whether messages may be stored; looks at the disk now and then."""
        now = time.monotonic()
        self._keep_log_short()
        if self._is_close or now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._judge(now)
        return self._is_open

    def refused(self, error: BaseException) -> bool:
        """A write failed: whether for want of room. Then messages wait, and what else there is gets the ballast."""
        if not self._is_full(error):
            return False
        self._refused_at = time.monotonic()
        self._is_open = False
        if self._reserve is not None:
            self._reserve.close()
            self._reserve.tend()
        self._say(f"{StoreFull.code} The database's disk is full: nothing more is stored. {_WAY_OUT}")
        self._truncate()
        return True

    def make_way(self) -> None:
        """Somebody deletes, so that there is room again: on a short disk the ballast goes. May be called in any thread."""
        if self._reserve is not None and not self._is_open:
            self._reserve.give_up()

    def tidied(self) -> None:
        """Pages were given back: while there is no room, the log's bytes go back as well."""
        if not self._is_open:
            self._truncate()

    def news(self, servers: Iterable[int]) -> list[Job]:
        """Jobs that write down, for each of these servers, that its messages wait."""
        now = time.monotonic()
        self._told = {server: at for server, at in self._told.items() if now - at < TELL_EVERY}
        fresh = [server for server in servers if server not in self._told]
        self._told.update(dict.fromkeys(fresh, now))
        return [Withheld(server, self.why.partition(" ")[2]) for server in fresh]

    def _keep_log_short(self) -> None:
        if self._reserve is not None and self._is_here:
            try:
                self._log.keep_short(self._room.bounds.log)
            except Error as error:
                if not self.refused(error):
                    logger.info("The log of the messages database cannot begin anew yet: %s.", error)

    def _judge(self, now: float) -> None:
        try:
            self._is_close = self._reserve is not None and self._is_here and self._reserve.look().is_within(CLOSE)
            is_long = self._log.is_too_long()
        except Error as error:
            is_long = self.refused(error)
        has_room = self._tend()
        self._is_open = has_room and not is_long and now - self._refused_at >= REFUSED_FOR
        if not has_room:
            self._say(self._disk_sentence())
        elif is_long and now - self._refused_at >= REFUSED_FOR:
            self._say(f"{StoreBusy.code} {_LONG_READ}")
        elif self._is_open and now - self._refused_at >= CALM_AFTER:
            self._say("")

    def _tend(self) -> bool:
        """Whether the disk has room for messages, and for how much."""
        if self._reserve is None:
            return True
        has_room, room = self._reserve.tend(), self._reserve.room
        if not self._is_here:
            return True
        self.appetite = max(1, min(APPETITE, room.bounds.log, (room.left - room.bounds.hold) // PER_BYTE))
        return has_room

    def _disk_sentence(self) -> str:
        least = mebibytes(self._room.bounds.hold)
        return (
            f"{StoreFull.code} The data directory's disk has less than {least} left: nothing more is stored. {_WAY_OUT}"
        )

    def _say(self, why: str) -> None:
        if why and not self.why:
            logger.error("Messages are held: %s", why)
        elif self.why and not why:
            logger.warning("Messages are stored again.")
        self.why = why

    def _is_full(self, error: BaseException) -> bool:
        if verdict.is_full(error):
            return True
        cause = error.__cause__ or error
        code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
        is_last = self._reserve is not None and self._is_here and self._reserve.look().free < disk.LAST
        return code == sqlite3.SQLITE_IOERR and not verdict.is_damage(error) and is_last

    def _truncate(self) -> None:
        try:
            self._log.begin_anew()
        except Error as error:
            logger.info("The log of the messages database cannot begin anew yet: %s.", error)


_WAY_OUT = "Free some space there, or remove old messages from a server's history; it goes on by itself."
_LONG_READ = (
    "A program has been reading the messages database for so long that its log grew too much: nothing more is stored until it "
    "ends. Wait for a backup or an export, or end the program."
)


class Withheld(Job):
    """An incident: a server's messages wait for the store."""

    def __init__(self, server: int, why: str) -> None:
        super().__init__(server)
        self.why = why

    def write(self, books: dict[int, Book]) -> None:
        note_incidents(self.server, [Incident(clock.now(), "store", "", self.why)])
