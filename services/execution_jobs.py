"""What the recorder writes of remote commands: a row before each one runs, its outcome after.

What a worker says is not trusted: what no column takes is made to fit.
"""

import hashlib
import math
from collections.abc import Callable, Iterable

from services.books import Book
from services.jobs import Job
from services.models import Execution
from services.supervisor.events import Begun, Ended

KEEP = 10_000  # of one server
SLICE = 500  # deleted at a time
MAX_WORDS, MAX_CHARACTERS = 1_000, 64 * 1024  # of an argv, as far as it is kept
MAX_OUTPUT = 64 * 1024  # bytes
MAX_WHY = 1_000  # characters
MAX_SECONDS = 1e9
MAX_NUMBER, MAX_SIZE = 2**31 - 1, 2**63 - 1  # of the columns


class BeginCommand(Job):
    """A command is about to run: `recorded` is called once this is committed, and only then it does."""

    waits = True  # without a record no command runs

    def __init__(self, begun: Begun, recorded: Callable[[], None]) -> None:
        super().__init__(begun.server)
        self.begun, self._recorded = begun, recorded

    def done(self) -> None:
        self._recorded()

    def given_up(self) -> None:
        """Nobody is told: what cannot be written down does not run."""

    def write(self, books: dict[int, Book]) -> None:
        told = self.begun.told
        Execution.objects.create(
            server_id=self.server,
            run=self.begun.run,
            ask=told.ask,
            connection=told.connection,
            at=told.at,
            key=_text(told.key, 64),
            public=told.public.hex()[:64],
            who=_text(told.who, 150),
            source=_text(told.source, 255),
            is_new_source=_is_new(told.public.hex(), told.source),
            command=_text(told.command, 64),
            argv=_kept(told.argv),
            argv_sha256=digest(told.argv),
        )
        self._prune()

    def _prune(self) -> None:
        """The oldest go, a slice at a time."""
        rows = Execution.objects.filter(server_id=self.server).order_by("-id").values_list("id", flat=True)
        for newest_to_go in rows[KEEP : KEEP + 1]:
            gone = list(rows.filter(id__lte=newest_to_go).order_by("id")[:SLICE])
            Execution.objects.filter(id__in=gone).delete()


class EndCommand(Job):
    """How it ended."""

    waits = True

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.server)
        self.ended = ended

    def write(self, books: dict[int, Book]) -> None:
        told = self.ended.told
        Execution.objects.filter(server_id=self.server, run=self.ended.run, ask=told.ask).update(
            ended_at=told.at,
            exit_code=_number(told.code),
            signal=_number(told.signal),
            seconds=min(max(told.seconds, 0.0), MAX_SECONDS) if math.isfinite(told.seconds) else None,
            why=_text(told.why, MAX_WHY),
            stdout_bytes=_size(told.stdout_bytes),
            stderr_bytes=_size(told.stderr_bytes),
            truncated=told.truncated,
            output=told.output[:MAX_OUTPUT],
        )


def digest(argv: Iterable[str]) -> str:
    """SHA-256 of the words, each with a NUL behind it: it stands for the whole, also where not all of it is kept."""
    return hashlib.sha256(b"".join(word.encode() + b"\0" for word in argv)).hexdigest()


def _is_new(public: str, source: str) -> bool:
    """Whether the key was never used from this address, as far as commands are kept."""
    address = source.rpartition(":")[0]
    return bool(public) and not Execution.objects.filter(public=public, source__startswith=f"{address}:").exists()


def _kept(argv: Iterable[str]) -> list[str]:
    kept: list[str] = []
    room = MAX_CHARACTERS
    for word in list(argv)[:MAX_WORDS]:
        if room <= 0:
            break
        kept.append(_text(word, room))
        room -= len(word)
    return kept


def _text(words: str, most: int) -> str:
    """As much as is kept; PostgreSQL takes no NUL."""
    return words[:most].replace("\0", "\ufffd")


def _number(value: int | None) -> int | None:
    return None if value is None or abs(value) > MAX_NUMBER else value


def _size(value: int) -> int:
    return min(max(value, 0), MAX_SIZE)
