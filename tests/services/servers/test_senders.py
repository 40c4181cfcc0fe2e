"""Who of those that send datagrams is listened to."""

import asyncio

from services.servers import report
from services.servers.reporter import Reporter
from services.servers.senders import MOST, Senders
from services.servers.spec import Limits

FAR = ("203.0.113.5", 5000)


def senders(limits: Limits, clock: list[float], frames: list[bytes]) -> Senders:
    reporter = Reporter(frames.append, asyncio.get_running_loop())
    made = Senders(limits, reporter, clock=lambda: clock[0])
    made.flush = reporter.flush  # type: ignore[attr-defined]
    return made


def taken(limits: Limits, addresses: list, seconds: float = 1.0) -> tuple[int, report.Batch | None]:
    """How many of 1,000 datagrams of 3 bytes a second are taken in, and what is told."""
    clock, frames = [100.0], []
    made = senders(limits, clock, frames)
    count = 0
    for number in range(int(1000 * seconds)):
        clock[0] = 100.0 + number / 1000
        count += not made.keep_out(addresses[number % len(addresses)], 3)
    made.flush()  # type: ignore[attr-defined]
    return count, report.decode_from_worker(frames[-1][report.HEADER_BYTES :]) if frames else None


async def test_without_limits_nobody_is_even_looked_at():
    assert senders(Limits(trusted=("10.0.0.0/8",)), [0.0], []).are_free
    assert not senders(Limits(messages_per_second=1), [0.0], []).are_free
    assert not senders(Limits(deny=("10.0.0.0/8",)), [0.0], []).are_free


async def test_one_source_sends_so_many_a_second_and_the_rest_is_counted_to_the_byte():
    count, told = taken(Limits(messages_per_second=100), [FAR, ("203.0.113.5", 6000)])
    assert count in (199, 200)
    assert told.counted.dropped == {"rate": 1000 - count}
    assert told.counted.dropped_bytes == {"rate": 3 * (1000 - count)}
    assert [(one.rule, one.source) for one in told.incidents] == [("messages", "203.0.113.5")]


async def test_each_source_has_a_rate_of_its_own():
    assert taken(Limits(messages_per_second=300), [(f"203.0.113.{number}", 1) for number in range(1, 5)])[0] == 1000


async def test_loopback_unix_and_trusted_senders_are_not_limited():
    limits = Limits(messages_per_second=1, trusted=("203.0.113.0/24",))
    assert taken(limits, [("127.0.0.1", 1), ("::1", 1, 0, 0), "/tmp/a.sock", None, FAR]) == (1000, None)


async def test_a_private_network_is_limited():
    assert taken(Limits(messages_per_second=1), [("10.0.0.1", 1)])[0] == 1


async def test_whose_network_is_denied_is_dropped():
    count, told = taken(Limits(deny=("203.0.113.0/24",)), [FAR, ("::ffff:203.0.113.9", 1, 0, 0), ("10.0.0.1", 1)])
    assert count == 333
    assert told.counted.dropped == {"denied": 667}
    assert {(one.rule, one.source) for one in told.incidents} == {("denied", "203.0.113.5"), ("denied", "203.0.113.9")}


async def test_a_flood_of_sources_is_bounded():
    made = senders(Limits(messages_per_second=1), [0.0], [])
    for number in range(MOST + 1000):
        made.keep_out((f"11.{number // 60000}.{number // 250 % 250}.{number % 250}", 1), 1)
    assert len(made._verdicts) == len(made._sources) == MOST
