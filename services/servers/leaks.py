"""Keys and tokens of the panel that came to a server, each told of once, with a batch. It knows no link."""

from collections.abc import Iterable

from services.servers import clock
from services.servers.redaction import Secret
from services.servers.report import Exposed

MOST = 10_000  # that are remembered; then all are forgotten, and may be told of again
DUE = 1_000  # in one batch: who sends more at once has made them up


class Leaks:
    """Of one run of a worker."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._due: list[Exposed] = []

    def note(self, secrets: Iterable[Secret], connection: int, peer: str, *, is_output: bool = False) -> bool:
        """They came over `connection`. Whether any is news."""
        before = len(self._due)
        for kind, digest in secrets:
            if digest not in self._known and len(self._due) < DUE:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known.add(digest)
                self._due.append(Exposed(clock.now(), kind, digest, connection, peer, is_output))
        return len(self._due) > before

    def take(self) -> list[Exposed]:
        """What is due."""
        due, self._due = self._due, []
        return due

    def __bool__(self) -> bool:
        return bool(self._due)
