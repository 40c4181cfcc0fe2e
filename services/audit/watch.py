"""What the supervisor does for the audit: says that it began, tells the head of the chain once an hour, notes steps of the clock.

It does so as well as it can: a supervisor that cannot write into the audit serves all the same, and its log says so.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from django.db import Error, transaction

from services.audit import heads, word
from services.audit.origin import coming_from
from services.audit.writing import record
from services.models import Server
from services.version import VERSION

TELL_EVERY = 3600.0  # seconds
STEP = 2.0  # seconds that the clock may be off between two looks

logger = logging.getLogger(__name__)


class Watch:
    """One supervisor's. `look` is called every few seconds."""

    def __init__(self, data_dir: Path, node: str) -> None:
        self._data_dir, self._node = data_dir, node
        self._told_at = time.monotonic()
        self._ahead = _ahead()

    def begin(self) -> None:
        """The first entry of a life, with what starts by itself, and the head."""
        names = Server.objects.filter(node=self._node, autostart=True).values_list("name", flat=True)
        self._safely(word.take_odd_away, self._data_dir)
        self._safely(self._begin, list(names))

    def attend(self) -> None:
        """One that runs a single server is no start of the panel, and notes the head like any other."""
        self._safely(heads.note, self._data_dir, "start")

    def _begin(self, autostart: list[str]) -> None:
        restored = word.read(self._data_dir)
        with transaction.atomic():
            if restored:
                record("restore", str(restored.get("who", "")), what=str(restored.get("file", "")), new=restored)
            what = f"node {self._node}, version {VERSION}"
            record("supervisor.start", "", what=what, new={"autostart": autostart} if autostart else None)
        try:
            heads.tell(self._data_dir, heads.RESTORED if restored else "start")
        finally:
            word.take_away(self._data_dir)

    def is_due(self) -> bool:
        """Whether there is anything to write."""
        return time.monotonic() - self._told_at >= TELL_EVERY or abs(_ahead() - self._ahead) > STEP

    def look(self) -> None:
        """Write it."""
        step, self._ahead = _ahead() - self._ahead, _ahead()
        if abs(step) > STEP:
            self._safely(record, "clock.step", "", what=f"node {self._node}: {step:+.1f} s")
        if time.monotonic() - self._told_at >= TELL_EVERY:
            self._told_at = time.monotonic()
            self._safely(heads.tell, self._data_dir, "hourly")

    def _safely(self, do: Callable[..., object], *words: object, **more: object) -> None:
        try:
            with coming_from("supervisor"):
                do(*words, **more)
        except (Error, OSError) as error:
            logger.error("The supervisor could not write into the audit: %s", error)


def _ahead() -> float:
    """Seconds of the wall clock before the one that nobody sets; it counts while the machine sleeps, too."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
