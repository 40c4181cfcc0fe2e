"""Who may connect to a stream server: not whose network is denied, nor whose source has too much already. It opens no socket.

entrance = Entrance(limits, reporter, loop)
if not entrance.refuses(host):
    source = entrance.enter(host)
"""

import asyncio

from services.servers import networks
from services.servers.networks import Access
from services.servers.pacing import Pace
from services.servers.reporter import Reporter
from services.servers.sources import Source, Sources
from services.servers.spec import Limits
from services.servers.waiting import RATE


class Entrance:
    """Of one server. Hosts are written as `networks.host` gives them: a UNIX socket's peer has none and is never refused."""

    def __init__(self, limits: Limits, reporter: Reporter, loop: asyncio.AbstractEventLoop) -> None:
        self._limits = limits
        self._reporter = reporter
        self._loop = loop
        self._access = Access(limits)
        self._sources = Sources(limits, self._pace, loop.time)

    def refuses(self, host: str) -> bool:
        """Whether nobody is let in from `host` now; that is counted and told."""
        if not host:
            return False
        if not self._access.lets_in(host):
            self._reporter.refused("denied", host, f"refused {host}: its network is not allowed")
            return True
        if self._access.is_exempt(host):
            return False
        name = networks.source(host)
        refusal = self._sources.refusal(name)
        if refusal is None:
            return False
        rule, why = refusal
        self._reporter.refused(rule, name, f"refused {host}: {why}")
        return True

    def enter(self, host: str) -> Source | None:
        """Somebody was let in from `host`; None: it has no limits. Tell of the end by `leave`."""
        return None if self._access.is_exempt(host) else self._sources.entered(networks.source(host))

    def leave(self, source: Source | None) -> None:
        """A connection that `enter` gave `source` for has ended."""
        if source is not None:
            self._sources.left(source)

    def _pace(self, name: str) -> Pace | None:
        rate = self._limits.messages_per_second
        if not rate:
            return None
        what = f"{name} is read more slowly: it sends more than {rate:,g} messages per second"
        return Pace(rate, RATE, self._loop, lambda: self._reporter.incident("messages", name, what))
