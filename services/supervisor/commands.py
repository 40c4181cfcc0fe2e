"""Which commands a remote-command server's worker has told of and not ended: what it says of them is checked here.

It knows no link. An honest worker never comes near these bounds.
"""

from services.errors import WorkerBroken
from services.servers.report import CommandBegun, CommandEnded

MAX_UNRECORDED = 256  # commands that wait until they are written down
MAX_OPEN = 4_096  # commands that have not ended
MAX_ARGV = 128 * 1024  # characters of one command's words, and as many words
MAX_WORDS = 4_096  # characters of anything else that is told of it
MAX_OUTPUT = 2 * 1024 * 1024  # bytes


class Commands:
    """The commands of one run of a worker."""

    def __init__(self) -> None:
        self._last = 0
        self._unrecorded: set[int] = set()
        self._open: set[int] = set()

    def begun(self, told: CommandBegun) -> None:
        """Raises WorkerBroken."""
        if told.ask <= self._last:
            raise WorkerBroken(f"Command {told.ask} came after command {self._last}.")
        if len(self._unrecorded) >= MAX_UNRECORDED or len(self._open) >= MAX_OPEN:
            raise WorkerBroken(
                f"Command {told.ask} came while {len(self._unrecorded)} wait to be written down and {len(self._open)} run."
            )
        words = (told.key, told.who, told.source, told.command)
        if _length(told.argv) > MAX_ARGV or _length(words) > MAX_WORDS or len(told.public) > 32:
            raise WorkerBroken(f"Command {told.ask} is longer than any that it may take.")
        self._last = told.ask
        self._unrecorded.add(told.ask)
        self._open.add(told.ask)

    def recorded(self, ask: int) -> None:
        """It is written down."""
        self._unrecorded.discard(ask)

    def ended(self, told: CommandEnded) -> None:
        """Raises WorkerBroken."""
        if told.ask not in self._open:
            raise WorkerBroken(f"Command {told.ask} ended, which is not open.")
        if len(told.why) > MAX_WORDS or len(told.output) > MAX_OUTPUT:
            raise WorkerBroken(f"The end of command {told.ask} is longer than any that there may be.")
        self._open.discard(told.ask)


def _length(words: tuple[str, ...]) -> int:
    return len(words) + sum(map(len, words))
