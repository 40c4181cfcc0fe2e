"""Whether a datagram may be answered. Whoever forges a sender must not set two servers on each other, or on somebody else.

It sends nothing and records nothing: it says no, counts it and tells why.

    if not guard.withholds(peer, question, answer, control): outbox.answer(...)
"""

import time
from collections.abc import Callable, Iterable

from services.servers import networks, socket_options, whereabouts
from services.servers.addresses import Raw
from services.servers.networks import Access
from services.servers.peers import Peer
from services.servers.rate import Bucket, Buckets
from services.servers.reporter import Reporter
from services.servers.socket_options import Control
from services.servers.spec import Limits
from services.servers.standing import Standing

BURST = 2.0  # seconds' worth of answers that one source may get at once
# Ports whose services answer whatever comes, or much to little: echo, daytime, time, DNS, TFTP, NTP, SNMP, LDAP, SSDP and the like
SPEAKERS = frozenset({0, 7, 9, 13, 17, 19, 37, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 5353, 11211})
CLIENTS = 32_768  # where the ports begin that systems give to clients (ip_local_port_range; RFC 6335: from 49,152)
_DESTINATIONS = 1000  # remembered

Clock = Callable[[], float]


class Guard:
    """Of one datagram server."""

    def __init__(
        self,
        limits: Limits,
        reporter: Reporter,
        *,
        answers_everybody: bool = False,
        broadcasts: bool = False,
        clock: Clock = time.monotonic,
    ) -> None:
        """`answers_everybody`: what came to a broadcast address, too. `broadcasts`: the socket may send to one."""
        self._limits = limits
        self._access = Access(limits)
        self._reporter = reporter
        self._answers_everybody = answers_everybody
        self._broadcasts = broadcasts
        self._clock = clock
        self._ours: frozenset[int] = frozenset()
        self._to_everybody: dict[bytes, bool] = {}  # what the kernel told with a datagram -> whether all got it
        self._sources = Buckets(limits.replies_per_source, limits.replies_per_source * BURST)
        self._all = Bucket(limits.replies_per_second, limits.replies_per_second, clock())

    def neighbours(self, ports: Iterable[int], peers: Iterable[Peer]) -> None:
        """`ports` are those of this machine's own datagram servers now; `peers` are judged anew."""
        self._ours = frozenset(ports)
        for peer in peers:
            if peer.standing is not None:
                peer.standing.never = self._never(peer.address)

    def withholds(self, peer: Peer, question: bytes, answer: bytes, control: Control) -> bool:
        """Whether the answer must not leave."""
        standing = peer.standing or self._meet(peer)
        if standing.never:
            return self._no("loop", standing.host, f"{peer.name} {standing.never}", answer)
        if control and self._reached_everybody(control) and not (self._answers_everybody and standing.is_near):
            return self._no("loop", standing.host, f"{peer.name} wrote to everybody: it is not answered", answer)
        conversation = standing.conversation
        if conversation.is_loop(question, self._clock) or (
            standing.is_server and standing.is_near and conversation.is_storm(self._clock)
        ):
            what = f"loop suspected with {peer.name}: it is not answered for {conversation.muted_for:g} s"
            return self._no("loop", standing.host, what, answer)
        if not standing.is_near and self._does_harm(peer, standing.host, question, answer):
            return True
        conversation.answered(answer)
        return False

    def _meet(self, peer: Peer) -> Standing:
        host = networks.host(peer.address)
        address = peer.address
        is_server = isinstance(address, tuple) and address[1] < CLIENTS
        standing = peer.standing = Standing(host, self._access.is_near(host), is_server)
        standing.never = self._never(peer.address)
        return standing

    def _never(self, address: Raw) -> str:
        """Why the peer at `address` is never answered; empty when it may be."""
        if not isinstance(address, tuple):
            return ""
        if address[1] in SPEAKERS:
            return "sends from a port whose service answers whatever comes: it is not answered"
        if address[1] in self._ours and whereabouts.is_ours(address):
            return "is a server of this machine's own: it is not answered"
        if networks.is_everybody(networks.host(address)) or (self._broadcasts and whereabouts.is_everybody(address)):
            return "is no single machine's address: it is not answered"
        return ""

    def _reached_everybody(self, control: Control) -> bool:
        told = control[0][2]
        if told not in self._to_everybody:
            if len(self._to_everybody) >= _DESTINATIONS:
                self._to_everybody.clear()
            destination = socket_options.destination(control)
            self._to_everybody[told] = destination is not None and whereabouts.is_everybody(destination)
        return self._to_everybody[told]

    def _does_harm(self, peer: Peer, host: str, question: bytes, answer: bytes) -> bool:
        """Whether an answer to somebody far away, who may be somebody else than he says, is too long or one too many."""
        if len(answer) > len(question):
            what = f"an answer of {len(answer)} bytes to {len(question)} from {peer.name} was withheld"
            return self._no("withheld", host, what, answer, rule="withheld")
        now, limits = self._clock(), self._limits
        if limits.replies_per_source and not self._sources.of(networks.source(host), now).take(now):
            what = f"{host} asks for more than {limits.replies_per_source:g} answers a second"
            return self._no("rate", host, what, answer, rule="replies")
        if limits.replies_per_second and not self._all.take(now):
            what = f"more than {limits.replies_per_second:g} answers a second are asked for"
            return self._no("rate", "", what, answer, rule="replies")
        return False

    def _no(self, reason: str, source: str, what: str, answer: bytes, rule: str = "loop") -> bool:
        self._reporter.sent_dropped(reason, 1, len(answer))
        self._reporter.incident(rule, source, what)
        return True
