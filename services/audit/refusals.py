"""Refusals in the audit, so that a stranger who is refused a thousand times a second does not fill it: the same one once a minute.

refused("otto", "POST /servers/lab/", "SP-1005")

What was left out is told with the next of its sort. A refusal stands whether or not it can be written down.
"""

import logging
import threading
import time
from collections import OrderedDict

from django.db import Error

from services.audit.origin import origin
from services.audit.writing import record

SAME_EVERY = 60.0  # seconds
BURST, PER_SECOND = 30.0, 0.5  # of one process, whoever is refused
MAX_KNOWN = 1000  # sorts of refusals

logger = logging.getLogger(__name__)


class Refusals:
    """What one process has told lately."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()  # when last told, left out since
        self._credit, self._credited_at = BURST, 0.0
        self._lock = threading.Lock()

    def counted(self, sort: tuple[str, ...], now: float) -> int | None:
        """How many of this sort were left out before this one, which is to be told; None when it is left out too."""
        with self._lock:
            self._credit = min(BURST, self._credit + PER_SECOND * (now - self._credited_at))
            self._credited_at = now
            told_at, left_out = self._known.pop(sort, (now - SAME_EVERY, 0))
            is_told = now - told_at >= SAME_EVERY and self._credit >= 1
            self._known[sort] = (now, 0) if is_told else (told_at, left_out + 1)
            self._credit -= is_told
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return left_out if is_told else None


_refusals = Refusals()


def refused(who: str, what: str, code: str, *, verb: str = "refused", server: str = "") -> None:
    """Write down that somebody was refused something."""
    left_out = _refusals.counted((verb, who, origin.get().source, code, what), time.monotonic())
    if left_out is None:
        return
    more = f" (and {left_out} more before)" if left_out else ""
    try:
        record(verb, who, server=server, what=f"{what[:500]}{more}", code=code)
    except Error:
        logger.exception("A refusal could not be written into the audit: %s", code)
