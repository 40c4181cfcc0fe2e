"""Delays and bounds of automatic restarts, with the time brought along."""

import pytest

from services.supervisor.backoff import Backoff, Budget
from services.supervisor.timings import Timings


@pytest.fixture
def backoff():
    return Backoff(Timings(), chance=lambda: 0.5)


def delays(backoff, times, gap=100.0):
    return [backoff.delay(steady=False, now=gap * time) for time in range(times)]


def test_the_delay_doubles_from_a_fifth_of_a_second_to_half_a_minute(backoff):
    assert delays(backoff, 10) == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0])


def test_the_delay_never_overflows(backoff):
    assert delays(backoff, 5000)[-1] == 30.0


@pytest.mark.parametrize(("chance", "delay"), [(0.0, 0.16), (0.5, 0.2), (1.0, 0.24)])
def test_jitter_moves_the_delay_by_a_fifth_at_most(chance, delay):
    assert Backoff(Timings(), chance=lambda: chance).delay(steady=False, now=0) == pytest.approx(delay)


def test_a_steady_run_is_restarted_at_once_and_ends_the_doubling(backoff):
    delays(backoff, 6)
    assert backoff.delay(steady=True, now=700) == 0.0
    assert backoff.delay(steady=False, now=800) == pytest.approx(0.2)


def test_five_automatic_starts_within_ten_seconds_are_the_last():
    backoff = Backoff(Timings())
    for now in (0.0, 1.0, 2.0, 3.0):
        backoff.started(now)
    assert backoff.delay(steady=False, now=4.0) is not None
    backoff.started(5.0)
    assert backoff.delay(steady=False, now=10.0) is None


def test_a_start_leaves_the_window_after_ten_seconds(backoff):
    for now in (0.0, 1.0, 2.0, 3.0, 4.0):
        backoff.started(now)
    assert backoff.delay(steady=False, now=10.0) is None
    assert backoff.delay(steady=False, now=10.001) is not None


def test_a_person_who_asks_for_a_start_begins_anew(backoff):
    delays(backoff, 6)
    for now in range(5):
        backoff.started(now)
    backoff.reset()
    assert backoff.delay(steady=False, now=5.0) == pytest.approx(0.2)


def take(budget: Budget, now: float, name: int = 1) -> float:
    """A start that happens as soon as it is promised."""
    wait = budget.take(name, now)
    budget.started(name, now)
    return wait


def test_all_servers_together_get_twenty_automatic_starts_in_ten_seconds():
    budget = Budget(Timings())
    assert [take(budget, 1.0 + index / 10) for index in range(20)] == [0.0] * 20
    assert take(budget, 4.0) == pytest.approx(7.0)
    assert take(budget, 10.99) > 0
    assert take(budget, 11.0) == 0.0


@pytest.mark.parametrize("step", [0.01, 0.3, 0.49])
def test_no_ten_seconds_hold_more_than_twenty_starts(step):
    budget, taken = Budget(Timings()), []
    for index in range(2000):
        if take(budget, index * step) == 0:
            taken.append(index * step)
    assert all(later - earlier >= 10 for earlier, later in zip(taken, taken[20:], strict=False))


def test_a_promised_start_counts_from_when_it_happens_and_not_when_it_is_given_back():
    budget = Budget(Timings())
    assert [budget.take(name, 0.0) for name in range(20)] == [0.0] * 20
    assert budget.take(20, 60.0) == 10.0  # none has happened: one that happened now would be over then
    for name in range(19):
        budget.started(name, 61.0)
    assert budget.take(20, 63.0) == pytest.approx(8.0)
    budget.give_back(19)
    assert budget.take(20, 63.0) == 0.0
    budget.started(20, 64.0)
    budget.started(20, 65.0)  # nothing was promised to it: a person's start is no automatic one
    assert [budget.take(name, 71.0) for name in range(20)] == [0.0] * 19 + [pytest.approx(3.0)]
