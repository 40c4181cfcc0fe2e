"""Refusals in the audit, so that nobody who is refused a thousand times a second fills it, or keeps those of others out of it.

refused("otto", "POST /servers/lab/", "SP-1005")

The same one is told once a minute, and of each person only so many; of all strangers together too, and of each of their addresses.
What was left out is told with the next of its sort. A refusal stands whether or not it can be written down.
"""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from django.db import Error

from services.audit.origin import origin
from services.audit.writing import record
from services.models import Server
from services.servers import networks
from services.servers.redaction import clean_text

SAME_EVERY = 60.0  # seconds
BURST, PER_SECOND = 30.0, 0.1  # of one person, or of one stranger's address
STRANGERS_BURST, STRANGERS_PER_SECOND = 100.0, 0.5  # of all of them
MAX_KNOWN = 1000  # people, and addresses
MAX_SORTS = 50  # of one of them
UNPROVEN = "sign-in.refused"  # names somebody, who need not be the one

logger = logging.getLogger(__name__)


@dataclass
class Credit:
    """How many may be told: `most` at once, then so many a second."""

    most: float
    per_second: float
    left: float = field(init=False)
    since: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.most

    def has_one(self, now: float) -> bool:
        self.left = min(self.most, self.left + self.per_second * (now - self.since))
        self.since = now
        return self.left >= 1


@dataclass
class Known:
    """One who was refused something."""

    credit: Credit = field(default_factory=lambda: Credit(BURST, PER_SECOND))
    sorts: OrderedDict[int, tuple[float, int]] = field(default_factory=OrderedDict)  # when last told, left out since


class Refusals:
    """What one process has told lately."""

    def __init__(self) -> None:
        self._people: OrderedDict[str, Known] = OrderedDict()
        self._strangers: OrderedDict[str, Known] = OrderedDict()
        self._of_strangers = Credit(STRANGERS_BURST, STRANGERS_PER_SECOND)
        self._lock = threading.Lock()

    def counted(self, person: str, source: str, sort: tuple[str, ...], now: float) -> int | None:
        """How many of this sort were left out before this one, which is to be told; None when it is left out too.

        `person` is empty for a stranger.
        """
        with self._lock:
            if person:
                return self._counted(_of(self._people, person), hash(sort), now, [])
            return self._counted(_of(self._strangers, source), hash(sort), now, [self._of_strangers])

    def _counted(self, known: Known, sort: int, now: float, shared: list[Credit]) -> int | None:
        credit_of = [known.credit, *shared]
        told_at, left_out = known.sorts.pop(sort, (now - SAME_EVERY, 0))
        is_told = now - told_at >= SAME_EVERY and all(credit.has_one(now) for credit in credit_of)
        known.sorts[sort] = (now, 0) if is_told else (told_at, left_out + 1)
        for credit in credit_of if is_told else ():
            credit.left -= 1
        if len(known.sorts) > MAX_SORTS:
            known.sorts.popitem(last=False)
        return left_out if is_told else None


def _of(those: OrderedDict[str, Known], name: str) -> Known:
    """The one of this name; who was refused nothing for the longest time is forgotten."""
    found = those[name] = those.pop(name, Known())
    if len(those) > MAX_KNOWN:
        those.popitem(last=False)
    return found


_refusals = Refusals()


def refused(who: str, what: str, code: str, *, verb: str = "refused", server: str = "") -> None:
    """Write down that somebody was refused something."""
    source, token = origin.get().source, origin.get().token
    person = "" if verb == UNPROVEN else who
    left_out = _refusals.counted(person, _place(source), (verb, who, source, str(token), code, what), time.monotonic())
    if left_out is None:
        return
    more = f" (and {left_out} more before)" if left_out else ""
    try:
        record(verb, who, server=_existing(server), what=f"{clean_text(what)[:500]}{more}", code=code)
    except Error:
        logger.exception("A refusal could not be written into the audit: %s", code)


def _place(source: str) -> str:
    """Of IPv6 the /64, which one person has whole."""
    try:
        return networks.source(networks.host((source, 0)))
    except OSError:
        return source[:64]


def _existing(server: str) -> str:
    """Its name, which whoever is refused may have made up."""
    return server if server and "\0" not in server and Server.objects.filter(name=server).exists() else ""
