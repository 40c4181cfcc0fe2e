"""What a layer has done since its process began: nothing is lost without being counted and told. No I/O but the log.

All event loops of the process count into one tally.
"""

import logging
import threading
from collections import Counter

from services.bus.complaints import Complaints

COUNTED = ("sent", "received", "merged", "malformed", "lost_full", "lost_expired", "lost_gone")

logger = logging.getLogger(__name__)


class Tally:
    """The counters of one layer.

    sent: messages accepted; received: handed to a reader; merged: identical to one that waited for the same busy process;
    malformed: datagrams and files that no layer wrote; lost: over capacity (full), unread for too long (expired), or on
    their way to a process that died (gone).
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self._complaints = Complaints(logger)
        self.after_fork()

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def add(self, what: str, count: int = 1) -> None:
        with self._lock:
            self._counts[what] += count

    def full(self, where: str) -> None:
        """A message to `where` was dropped because as many as the capacity wait there."""
        self.add("lost_full")
        self._complaints.warn("The bus lost a message to %s, which is full: read it faster or raise `capacity`.", where)

    def statistics(self) -> dict[str, int]:
        """A copy, with `lost` as the sum of its reasons."""
        with self._lock:
            counts = dict(self._counts)
        return counts | {"lost": sum(count for what, count in counts.items() if what.startswith("lost_"))}
