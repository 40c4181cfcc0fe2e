"""Who is answered and who is not, replayed with a clock that stands still until told."""

import asyncio
import socket

import pytest

from services.servers import report
from services.servers.guard import SPEAKERS, Guard
from services.servers.peers import Peer
from services.servers.reporter import Reporter
from services.servers.socket_options import IP_PKTINFO
from services.servers.spec import Limits

FAR, NEAR = "203.0.113.5", "10.0.0.5"


class Desk:
    """A guard, and what it told."""

    def __init__(self, limits: Limits | None = None, **words) -> None:
        self.now = 100.0
        self._frames: list[bytes] = []
        self._reporter = Reporter(self._frames.append, asyncio.get_running_loop())
        self.guard = Guard(limits or Limits(), self._reporter, clock=lambda: self.now, **words)

    def withheld(self, peer: Peer, question: bytes = b"?", answer: bytes = b"!", control=()) -> bool:
        return self.guard.withholds(peer, question, answer, list(control))

    def told(self) -> report.Batch:
        self._reporter.flush()
        batch = report.decode_from_worker(self._frames[-1][report.HEADER_BYTES :])
        assert isinstance(batch, report.Batch)
        return batch


def peer(host: str, port: int = 50_000) -> Peer:
    return Peer(1, f"{host}:{port}", (host, port) if "." in host and ":" not in host else (host, port, 0, 0))


def pktinfo(destination: str) -> list[tuple[int, int, bytes]]:
    local = socket.inet_aton("127.0.0.1")
    return [(socket.IPPROTO_IP, IP_PKTINFO, b"\1\0\0\0" + local + socket.inet_aton(destination))]


async def test_whoever_asks_is_answered_and_nothing_is_told():
    desk = Desk()
    assert not any(desk.withheld(peer(host)) for host in (FAR, NEAR, "127.0.0.1", "::1", "2001:db8::1"))
    assert not desk.withheld(Peer(1, "/tmp/a.sock", "/tmp/a.sock"))


@pytest.mark.parametrize("port", sorted(SPEAKERS))
async def test_a_service_that_answers_whatever_comes_is_never_answered(port):
    desk = Desk(Limits(trusted=("0.0.0.0/0",)))
    assert desk.withheld(peer("127.0.0.1", port), answer=b"abc")
    told = desk.told()
    assert (told.counted.sent_dropped, told.counted.sent_dropped_bytes) == ({"loop": 1}, {"loop": 3})
    assert [(one.rule, one.source) for one in told.incidents] == [("loop", "127.0.0.1")]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"])
async def test_an_own_server_is_never_answered(host):
    desk = Desk()
    desk.guard.neighbours((9000, 9001), [])
    assert desk.withheld(peer(host, 9000))
    assert not desk.withheld(peer(host, 9002))


async def test_another_machine_may_use_the_port_of_an_own_server():
    desk = Desk()
    desk.guard.neighbours((9000,), [])
    assert not desk.withheld(peer(FAR, 9000))


async def test_news_of_the_neighbours_reach_peers_that_are_known():
    desk, other = Desk(), peer("127.0.0.1", 9000)
    verdicts = []
    for ports in ((), (9000,), ()):
        desk.guard.neighbours(ports, [other, peer(NEAR)])
        verdicts.append(desk.withheld(other))
    assert verdicts == [False, True, False]


async def test_a_broadcast_or_group_address_is_never_answered():
    assert Desk().withheld(peer("255.255.255.255"))
    assert Desk().withheld(peer("224.0.0.7"))
    assert Desk().withheld(peer("ff02::7"))
    assert Desk(broadcasts=True).withheld(peer("127.255.255.255"))


@pytest.mark.parametrize("destination", ["127.255.255.255", "255.255.255.255", "224.0.0.1"])
async def test_what_came_to_everybody_is_answered_only_by_who_is_there_for_that(destination):
    assert Desk().withheld(peer("127.0.0.1"), control=pktinfo(destination))
    assert not Desk(answers_everybody=True).withheld(peer("127.0.0.1"), control=pktinfo(destination))
    assert not Desk().withheld(peer("127.0.0.1"), control=pktinfo("127.0.0.1"))


async def test_a_far_source_is_not_answered_by_everybody_who_heard_it():
    """It may be somebody else, who would get all these answers."""
    desk = Desk(answers_everybody=True)
    assert desk.withheld(peer(FAR), control=pktinfo("127.255.255.255"))
    assert not desk.withheld(peer(FAR), control=pktinfo("127.0.0.1"))
    trusting = Desk(Limits(trusted=("203.0.113.0/24",)), answers_everybody=True)
    assert not trusting.withheld(peer(FAR), control=pktinfo("127.255.255.255"))


async def test_an_answer_longer_than_its_question_stays_here():
    desk = Desk()
    assert desk.withheld(peer(FAR), b"12", b"123")
    assert not desk.withheld(peer(FAR), b"12", b"12")
    assert not desk.withheld(peer(NEAR), b"", b"123")
    assert not Desk(Limits(trusted=("203.0.113.5",))).withheld(peer(FAR), b"12", b"123")
    told = desk.told()
    assert (told.counted.sent_dropped, told.counted.sent_dropped_bytes) == ({"withheld": 1}, {"withheld": 3})
    assert [(one.rule, one.source) for one in told.incidents] == [("withheld", FAR)]


def answers(desk: Desk, hosts: list[str], seconds: float, every: float = 0.001) -> int:
    """How many of the questions that come from `hosts` in turn are answered; no two are the same."""
    asked = int(seconds / every)
    count = 0
    for number in range(asked):
        desk.now += every
        count += not desk.withheld(peer(hosts[number % len(hosts)]), b"%09d" % number, b"a")
    return count


async def test_one_far_source_gets_ten_answers_a_second_after_its_burst():
    desk = Desk()
    assert answers(desk, [FAR], 2.0) in (39, 40)
    told = desk.told()
    assert told.counted.sent_dropped["rate"] in (1960, 1961)
    assert [(one.rule, one.source, one.what) for one in told.incidents] == [
        ("replies", FAR, f"{FAR} asks for more than 10 answers a second")
    ]


async def test_many_far_sources_get_a_thousand_answers_a_second_together():
    desk = Desk()
    sources = [f"198.51.{number // 250}.{number % 250}" for number in range(5000)]
    assert answers(desk, sources, 2.0, every=0.0002) in (2999, 3000)
    assert [(one.rule, one.source) for one in desk.told().incidents] == [("replies", "")]


async def test_the_addresses_of_one_ipv6_network_are_one_source():
    assert answers(Desk(), [f"2001:db8::{number:x}" for number in range(500)], 1.0) in (29, 30)


@pytest.mark.parametrize(
    ("limits", "host"),
    [
        (Limits(), NEAR),
        (Limits(), "127.0.0.1"),
        (Limits(trusted=("203.0.113.0/24",)), FAR),
        (Limits(replies_per_source=0, replies_per_second=0), FAR),
    ],
)
async def test_near_and_trusted_sources_are_answered_as_often_as_they_ask(limits, host):
    assert answers(Desk(limits), [host], 2.0) == 2000


@pytest.mark.parametrize(("port", "answered"), [(32_767, 1000), (32_768, 3000)])
async def test_who_is_faster_than_any_client_from_a_servers_port_is_in_a_circle(port, answered):
    desk, other, count = Desk(), peer(NEAR, port), 0
    for number in range(3000):
        desk.now += 0.0001
        count += not desk.withheld(other, b"%d" % number, b"a fixed answer")
    assert count == answered


async def test_a_loop_is_told_with_its_peer_and_for_how_long():
    desk, other = Desk(), peer(NEAR, 9000)
    for _ in range(30):
        desk.withheld(other, b"x", b"x")
    told = desk.told()
    assert told.counted.sent_dropped == {"loop": 10}  # the first was no echo of anything
    assert told.incidents[0].what == "loop suspected with 10.0.0.5:9000: it is not answered for 60 s"
    desk.now += 61
    assert not desk.withheld(other, b"y", b"y")


async def test_what_is_remembered_is_bounded():
    desk = Desk()
    for number in range(3000):
        desk.withheld(peer("127.0.0.1"), control=pktinfo(f"127.0.{number // 250}.{number % 250}"))
    assert len(desk.guard._to_everybody) <= 1000
