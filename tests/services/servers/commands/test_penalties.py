"""Penalties by a fake clock: when a source is kept out, for how long, and that the table never grows beyond its bound."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.servers.commands import penalties
from services.servers.commands.penalties import FAILURE, LONGEST, SILENCE, THRESHOLD, Penalties

AWAY = ipaddress.ip_address("192.0.2.7")
OTHER = ipaddress.ip_address("192.0.2.8")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ours(clock: Clock) -> Penalties:
    return Penalties(clock)


def test_the_third_failure_in_a_row_keeps_a_source_out(ours: Penalties):
    assert [ours.add(AWAY, FAILURE) for _ in range(4)] == [False, False, True, False]
    assert ours.bars(AWAY)
    assert not ours.bars(OTHER)


def test_until_the_penalty_is_over_and_then_it_begins_anew(ours: Penalties, clock: Clock):
    for _ in range(3):
        ours.add(AWAY, FAILURE)
    clock.now += 3 * FAILURE - 0.001
    assert ours.bars(AWAY)
    clock.now += 0.001
    assert not ours.bars(AWAY)
    ours.add(AWAY, FAILURE)
    assert not ours.bars(AWAY)


def test_once_it_is_out_it_stays_out_though_less_than_the_threshold_is_left(ours: Penalties, clock: Clock):
    for _ in range(3):
        ours.add(AWAY, FAILURE)
    clock.now += 14
    assert ours.bars(AWAY)


def test_failures_that_are_far_apart_are_forgiven(ours: Penalties, clock: Clock):
    for _ in range(20):
        ours.add(AWAY, FAILURE)
        clock.now += FAILURE
    assert not ours.bars(AWAY)


def test_who_only_looks_in_is_kept_out_later(ours: Penalties):
    assert [ours.add(AWAY, SILENCE) for _ in range(15)] == [False] * 14 + [True]


def test_nobody_is_kept_out_for_longer_than_ten_minutes(ours: Penalties, clock: Clock):
    for _ in range(10_000):
        ours.add(AWAY, FAILURE)
    clock.now += LONGEST - 0.001
    assert ours.bars(AWAY)
    clock.now += 0.001
    assert not ours.bars(AWAY)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_never_kept_out(ours: Penalties, text: str):
    for _ in range(100):
        assert not ours.add(ipaddress.ip_address(text), FAILURE)
    assert not ours.bars(ipaddress.ip_address(text))
    assert len(ours) == 0


def test_an_ipv6_network_of_64_bits_is_one_source(ours: Penalties):
    for number in range(3):
        ours.add(ipaddress.ip_address(f"2001:db8:0:1::{number + 1}"), FAILURE)
    assert ours.bars(ipaddress.ip_address("2001:db8:0:1:ffff::"))
    assert not ours.bars(ipaddress.ip_address("2001:db8:0:2::1"))


def test_an_ipv4_address_is_never_taken_for_an_ipv6_network(ours: Penalties):
    for _ in range(3):
        ours.add(ipaddress.ip_address("0.0.0.1"), FAILURE)
    assert not ours.bars(ipaddress.ip_address("0:0:0:1::"))


def test_when_there_are_too_many_those_that_end_first_are_forgiven(clock: Clock):
    ours = Penalties(clock, most=10)
    for _ in range(4):
        ours.add(AWAY, FAILURE)
    for number in range(1, 100):
        ours.add(ipaddress.IPv4Address(number), FAILURE)
    assert len(ours) == 10
    assert ours.bars(AWAY)


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from([SILENCE, FAILURE]), st.floats(0, 20)), max_size=200))
def test_it_says_what_a_plain_account_of_each_source_says(history: list[tuple[int, float, float]]):
    clock, plain = Clock(), {}
    ours = Penalties(clock, most=1000)
    for number, seconds, later in history:
        address = ipaddress.IPv4Address(number)
        ours.add(address, seconds)
        until, out = plain.get(number, (clock.now, False))
        if until <= clock.now:
            until, out = clock.now, False
        until = min(until + seconds, clock.now + LONGEST)
        plain[number] = until, out or until - clock.now >= THRESHOLD
        clock.now += later
    barred = {number for number, (until, out) in plain.items() if out and until > clock.now}
    assert {number for number in plain if ours.bars(ipaddress.IPv4Address(number))} == barred


def test_its_memory_has_a_bound(clock: Clock):
    ours = Penalties(clock, most=100)
    for number in range(10_000):
        ours.add(ipaddress.IPv4Address(number % 300 + 1), FAILURE)
        clock.now += 0.001
    assert len(ours) <= 100
    assert len(ours._ends) <= 201


def test_as_many_sources_as_openssh_knows():
    assert penalties.MOST == 65_536
