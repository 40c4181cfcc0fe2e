"""Who of those that send datagrams is listened to: allowed networks, and so many messages a second from one source.

It reads no socket; what it keeps out it counts and tells. A server whose limits say nothing of either does without it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from services.servers import networks
from services.servers.addresses import Raw
from services.servers.networks import Access
from services.servers.rate import Bucket, Buckets
from services.servers.reporter import Reporter
from services.servers.spec import Limits

MOST = 10_000  # addresses whose verdict is remembered


class _Verdict:
    """On one address."""

    __slots__ = ("bucket", "is_let_in")

    def __init__(self, is_let_in: bool, bucket: Bucket | None) -> None:
        self.is_let_in = is_let_in
        self.bucket = bucket


class Senders:
    """Of one datagram server. One second's worth of messages may come at once."""

    def __init__(self, limits: Limits, reporter: Reporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = limits.messages_per_second
        self._access = Access(limits)
        self._reporter = reporter
        self._clock = clock
        self._sources = Buckets(self._rate, self._rate)
        self._verdicts: OrderedDict[str, _Verdict] = OrderedDict()
        self.are_free = self._access.is_open and not self._rate  # none would ever be kept out

    def keep_out(self, address: Raw, size: int) -> bool:
        """Whether a datagram of `size` bytes from `address` is not to be taken in."""
        host = networks.host(address)
        verdict = self._verdict(host)
        if not verdict.is_let_in:
            return self._no("denied", "denied", host, size, f"refused {host}: its network is not allowed")
        if verdict.bucket is None or verdict.bucket.take(self._clock()):
            return False
        return self._no("rate", "messages", host, size, f"{host} sends more than {self._rate:g} messages a second")

    def _verdict(self, host: str) -> _Verdict:
        verdict = self._verdicts.get(host)
        if verdict is None:
            verdict = self._verdicts[host] = self._judged(host)
            if len(self._verdicts) > MOST:
                self._verdicts.popitem(last=False)
        else:
            self._verdicts.move_to_end(host)
        return verdict

    def _judged(self, host: str) -> _Verdict:
        is_let_in = self._access.lets_in(host)
        if not is_let_in or not self._rate or self._access.is_exempt(host):
            return _Verdict(is_let_in, None)
        return _Verdict(is_let_in, self._sources.of(networks.source(host), self._clock()))

    def _no(self, reason: str, rule: str, host: str, size: int, what: str) -> bool:
        self._reporter.dropped(reason, 1, size)
        self._reporter.incident(rule, host, what)
        return True
