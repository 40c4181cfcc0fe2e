"""A source gets its messages per second, its streams take turns, and nobody is forgotten."""

import pytest

from services.servers.pacing import Pace
from tests.services.servers.looping import Loop

REASON = 64


class Flood:
    """A stream that has always more to say."""

    def __init__(self, pace: Pace, at_once: int = 500) -> None:
        self._pace = pace
        self._at_once = at_once
        self.said = 0
        self.go_on(REASON)

    def go_on(self, reason: int) -> None:
        assert reason == REASON
        share = min(self._pace.share(), self._at_once)
        self.said += share
        self._pace.spend(share)
        self._pace.queue(self)


@pytest.fixture
def loop() -> Loop:
    return Loop()


def paced(loop: Loop, rate: float) -> Pace:
    return Pace(rate, REASON, loop, lambda: None)


@pytest.mark.parametrize("rate", [0.5, 1, 10, 1000, 1_000_000])
def test_a_flood_gets_one_second_at_once_and_then_the_rate_and_no_more(loop, rate):
    flood = Flood(paced(loop, rate), at_once=10_000_000)
    assert flood.said == max(1, rate)
    loop.passes(10)
    assert flood.said == pytest.approx(max(1, rate) + 10 * rate, rel=0.03, abs=1)


def test_streams_of_one_source_share_what_it_may_send(loop):
    pace = paced(loop, 100)
    floods = [Flood(pace) for _ in range(10)]
    loop.passes(20)
    assert sum(flood.said for flood in floods) == pytest.approx(100 + 20 * 100, rel=0.03)
    later = [flood.said for flood in floods[1:]]
    assert max(later) - min(later) <= 4


def test_whoever_stays_below_the_rate_never_waits(loop):
    pace = paced(loop, 10)
    for _ in range(100):
        assert pace.share() >= 1
        pace.spend(1)
        loop.passes(0.1)


def test_a_stream_that_has_ended_holds_nobody_up(loop):
    pace = paced(loop, 10)
    flood, gone = Flood(pace), Flood(pace)
    pace.leave(gone)
    before = flood.said
    loop.passes(1.001)
    assert (flood.said - before, gone.said) == (10, 0)


def test_a_source_that_sends_nothing_has_no_timer(loop):
    pace = paced(loop, 10)
    Flood(pace)
    assert loop.timers == 1
    for stream in list(pace._queue):
        pace.leave(stream)
    loop.passes(1)
    assert loop.timers == 0


def test_each_wait_is_told(loop):
    held = []
    Flood(Pace(10, REASON, loop, lambda: held.append(1)))
    assert held == [1]


def test_what_lost_connections_left_keeps_a_source_waiting_for_a_minute_and_no_longer(loop):
    pace = paced(loop, 10)
    pace.spend(50_000)
    loop.passes(58)
    assert pace.share() == 0
    loop.passes(1.5)
    assert pace.share() > 0
