"""Whom the panel can do without."""

import math

import pytest

from sockpanel.guests import GRACE, Guest, Guests


class House:
    """Guests, and the names of those that were cut."""

    def __init__(self, **limits: int) -> None:
        self.now = 100.0
        self.guests = Guests(**{"most": 100, "asking": 3, "held": 1_000, **limits}, clock=lambda: self.now)  # type: ignore[arg-type]
        self.cut: list[str] = []

    def arrive(self, name: str, source: str = "192.0.2.1") -> Guest:
        return self.guests.arrived(source, lambda: self.cut.append(name))


@pytest.fixture
def house() -> House:
    return House()


def test_as_many_may_ask_as_the_limit_says(house: House):
    for name in "abc":
        house.arrive(name)
    assert house.cut == []
    house.arrive("d")
    assert house.cut == ["a"]


def test_of_a_crowd_one_goes_and_not_somebody_from_elsewhere(house: House):
    house.arrive("ada", source="192.0.2.7")
    for name in "abc":
        house.arrive(name)
    assert house.cut == ["a"]


def test_nobody_is_cut_before_he_had_his_grace(house: House):
    first = house.arrive("a")
    house.arrive("b")
    assert (house.guests.wait(), house.guests.room) == (0.0, 1)
    house.now += 0.1
    house.arrive("c")
    assert house.guests.wait() == pytest.approx(GRACE - 0.1)
    house.now += GRACE - 0.1
    assert house.guests.wait() == pytest.approx(0.0)
    house.guests.is_served(first)
    assert (house.guests.wait(), house.guests.room) == (0.0, 1)


def test_whoever_waits_outside_is_told_when_there_may_be_room(house: House):
    told: list[float] = []
    first = house.arrive("a")
    house.guests.more_room = lambda: told.append(house.guests.wait())
    house.guests.is_served(first)
    house.guests.left(first)
    assert told == [0.0, 0.0]


def test_who_is_served_or_rests_does_not_count_among_those_who_ask(house: House):
    first, second = house.arrive("a"), house.arrive("b")
    house.guests.is_served(first)
    house.guests.rests(second)
    for name in "cde":
        house.arrive(name)
    assert house.cut == []
    house.guests.asks(second)
    assert house.cut == ["c"]


def test_a_guest_is_cut_once_and_counts_until_he_has_left(house: House):
    first = house.arrive("a")
    for name in "bcd":
        house.arrive(name)
    house.arrive("e")
    assert (house.cut, len(house.guests)) == (["a", "b"], 5)
    house.guests.left(first)
    assert (len(house.guests), house.guests.sent_away) == (4, 2)


def test_when_every_place_is_taken_who_rests_longest_goes_first():
    house = House(most=3, asking=10)
    guests = [house.arrive(name) for name in "abc"]
    for guest in reversed(guests[:2]):
        house.guests.rests(guest)
    assert house.guests.wait() == 0.0
    assert (house.guests.make_way(), house.cut) == (math.inf, ["b"])
    assert (house.guests.make_way(), house.cut) == (math.inf, ["b"])  # who leaves makes room for one
    house.guests.left(guests[1])
    assert (house.guests.make_way(), house.cut) == (0.0, ["b"])


def test_then_who_asks_goes_but_not_before_he_had_his_grace():
    house = House(most=2, asking=10)
    house.guests.is_served(house.arrive("a"))
    house.arrive("b")
    assert house.guests.make_way() == pytest.approx(GRACE)
    house.now += GRACE
    assert (house.guests.make_way(), house.cut) == (math.inf, ["b"])


def test_who_is_served_is_never_sent_away():
    house = House(most=2)
    for name in "ab":
        house.guests.is_served(house.arrive(name))
    assert (house.guests.make_way(), house.cut) == (math.inf, [])


def test_only_so_many_may_leave_an_answer_waiting():
    house = House(asking=10, slow=2)
    ada, *others = (
        house.arrive(name, source) for name, source in [("ada", "192.0.2.7"), ("b", ""), ("c", ""), ("d", "")]
    )
    for guest in (ada, *others):
        house.guests.is_served(guest)
    for guest in (ada, others[0], others[0]):
        house.guests.is_slow(guest)
    house.guests.is_slow(others[1])
    assert house.cut == ["b"]
    house.guests.is_slow(others[0])  # on his way out
    house.guests.is_served(others[1])
    house.guests.is_slow(others[2])
    assert house.cut == ["b"]


def test_of_those_who_hold_too_much_the_one_with_most_goes(house: House):
    a, b, c = (house.arrive(name) for name in "abc")
    house.guests.holds(a, 300)
    house.guests.holds(b, 600)
    house.guests.holds(c, 100)
    assert house.cut == []
    house.guests.holds(c, 1)
    assert house.cut == ["b"]


def test_what_a_guest_held_is_given_back_when_he_was_answered(house: House):
    a, b = house.arrive("a"), house.arrive("b")
    for _ in range(5):
        house.guests.asks(a)
        house.guests.holds(a, 900)
        house.guests.is_served(a)
        house.guests.rests(a)
    house.guests.holds(b, 1_000)
    assert house.cut == []
