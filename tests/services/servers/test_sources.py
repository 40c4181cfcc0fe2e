"""Sources are counted while they are there, remembered while it matters, and never too many."""

from hypothesis import given
from hypothesis import strategies as st

from services.servers.pacing import Pace
from services.servers.sources import Sources
from services.servers.spec import Limits
from tests.services.servers.looping import Loop

REASON = 64


def sources(loop: Loop, **limits: float) -> Sources:
    rate = limits.get("messages_per_second", 0)
    pace = (lambda name: Pace(rate, REASON, loop, lambda: None)) if rate else (lambda name: None)
    return Sources(Limits(**limits), pace, loop.time)


def test_the_last_connection_of_a_source_and_the_first_too_many():
    known = sources(Loop(), connections_per_source=2)
    first, _ = known.entered("a"), known.entered("a")
    assert known.refusal("a") == ("source", "2 connections per source")
    assert known.refusal("b") is None
    known.left(first)
    assert known.refusal("a") is None


def test_a_source_has_a_burst_of_one_second_and_then_its_rate():
    loop = Loop()
    known = sources(loop, accepts_per_second=5, connections_per_source=0)
    for _ in range(5):
        assert known.refusal("a") is None
        known.entered("a")
    assert known.refusal("a") == ("accepts", "5 new connections per second and source")
    loop.passes(0.19)
    assert known.refusal("a") is not None
    loop.passes(0.02)
    assert known.refusal("a") is None


def test_leaving_and_coming_back_makes_no_source_new():
    loop = Loop()
    known = sources(loop, accepts_per_second=2)
    for _ in range(2):
        known.left(known.entered("a"))
    assert known.refusal("a") is not None


def test_a_debt_of_messages_is_not_forgotten_by_leaving():
    loop = Loop()
    known = sources(loop, accepts_per_second=0, messages_per_second=10)
    source = known.entered("a")
    source.pace.spend(30)
    known.left(source)
    loop.passes(1)
    assert known.entered("a").pace.share() == 0


def test_whoever_left_long_ago_costs_nothing():
    loop = Loop()
    known = sources(loop, accepts_per_second=10)
    for number in range(100):
        known.left(known.entered(f"s{number}"))
    assert len(known) == 100
    loop.passes(1)
    known.left(known.entered("a"))
    assert len(known) == 1


def test_sources_without_anything_to_remember_are_forgotten_at_once():
    known = sources(Loop(), accepts_per_second=0)
    known.left(known.entered("a"))
    assert len(known) == 0


def test_of_too_many_sources_the_one_that_left_first_goes_and_none_that_is_there():
    known = sources(Loop(), accepts_per_second=0.1)
    known.most = 3
    stays = known.entered("stays")
    for name in "abcd":
        known.left(known.entered(name))
    assert len(known) == 3
    assert [known.refusal(name) is None for name in "abcd"] == [True, True, False, False]
    assert known.entered("stays") is stays


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.floats(0, 0.3)), max_size=100))
def test_whatever_comes_and_goes_no_count_is_wrong_and_the_table_stays_small(steps):
    loop, open_now = Loop(), {}
    known = sources(loop, connections_per_source=3, accepts_per_second=5)
    known.most = 4
    for name, comes, seconds in steps:
        there = open_now.setdefault(name, [])
        if comes and known.refusal(name) is None:
            there.append(known.entered(name))
        elif there:
            known.left(there.pop())
        loop.passes(seconds)
        present = [name for name, there in open_now.items() if there]
        assert all(source.open == len(there) for there in open_now.values() for source in there[:1])
        assert max(map(len, open_now.values())) <= 3
        assert len(known) <= max(4, len(present))


def test_65536_sources_at_once_are_remembered_and_cost_little():
    known = sources(Loop(), accepts_per_second=1)
    for number in range(66_000):
        known.left(known.entered(str(number)))
    assert len(known) == 65_536
    assert known.refusal("65999") is not None
    assert known.refusal("1") is None
