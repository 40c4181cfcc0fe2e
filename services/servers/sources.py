"""Who is connected from where, and who connects too often. It opens no socket, has no timer and tells nobody.

sources = Sources(Limits(connections_per_source=5), now=time.monotonic)
sources.refusal("10.1.2.3")         # None, or ("source", "5 connections per source")
source = sources.entered("10.1.2.3")
sources.left(source)
"""

from collections import OrderedDict
from collections.abc import Callable

from services.servers.pacing import Pace
from services.servers.rate import Bucket
from services.servers.spec import Limits

MOST = 65_536  # sources known at once; of those without a connection the one that left first is forgotten

Refusal = tuple[str, str]  # rule (report.RULES), and why in a few words


class Source:
    """An IPv4 address or the /64 of an IPv6 one, and what it has open."""

    __slots__ = ("accepts", "name", "open", "pace")

    def __init__(self, name: str, accepts: Bucket | None, pace: Pace | None) -> None:
        self.name = name
        self.open = 0
        self.accepts = accepts  # None: it may connect as often as it likes
        self.pace = pace  # None: it may send as much as it likes

    def is_settled(self, now: float) -> bool:
        """Whether nothing is lost when it is forgotten."""
        connects = self.accepts is None or self.accepts.is_full(now)
        return connects and (self.pace is None or self.pace.is_full(now))


class Sources:
    """Whoever has a connection, and whoever had one not long ago."""

    def __init__(self, limits: Limits, pace: Callable[[str], Pace | None], now: Callable[[], float]) -> None:
        self.most = MOST
        self._limits = limits
        self._pace = pace
        self._now = now
        self._present: dict[str, Source] = {}  # no more than connections
        self._absent: OrderedDict[str, Source] = OrderedDict()  # in the order in which they left

    def __len__(self) -> int:
        return len(self._present) + len(self._absent)

    def refusal(self, name: str) -> Refusal | None:
        """Why whoever comes from `name` is not let in now."""
        source, limits = self._present.get(name) or self._absent.get(name), self._limits
        if source is None:
            return None
        most = limits.connections_per_source
        if 0 < most <= source.open:
            return "source", f"{most:,} connection{'s' * (most > 1)} per source"
        if source.accepts is not None and not source.accepts.fits(self._now()):
            return "accepts", f"{limits.accepts_per_second:,g} new connections per second and source"
        return None

    def entered(self, name: str) -> Source:
        """Somebody was let in from `name`; tell of the end by `left`."""
        source = self._present.get(name) or self._absent.pop(name, None) or self._new(name)
        self._present[name] = source
        source.open += 1
        if source.accepts is not None:
            source.accepts.take(self._now())
        self._forget()
        return source

    def left(self, source: Source) -> None:
        """A connection from `source` has ended."""
        source.open -= 1
        if not source.open:
            del self._present[source.name]
            self._absent[source.name] = source
            self._forget()

    def _new(self, name: str) -> Source:
        rate = self._limits.accepts_per_second
        return Source(name, Bucket(rate, rate, self._now()) if rate else None, self._pace(name))

    def _forget(self) -> None:
        """Whoever left long enough ago, and whoever is too much."""
        now = self._now()
        while self._absent:
            first = next(iter(self._absent.values()))
            if len(self) <= self.most and not first.is_settled(now):
                return
            del self._absent[first.name]
