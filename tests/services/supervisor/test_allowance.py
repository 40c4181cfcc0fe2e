"""One bound for all: who is over it waits, in turn, until half of it is free."""

import pytest

from services.supervisor.allowance import Allowance


@pytest.fixture
def allowance():
    return Allowance(most=100)


def test_the_last_good_and_the_first_bad_byte(allowance):
    allowance.take(100)
    assert not allowance.is_used_up
    allowance.take(1)
    assert allowance.is_used_up


def test_who_waits_is_called_once_half_is_free_and_once_only(allowance):
    called = []
    allowance.take(150)
    allowance.await_room(1, lambda: called.append(1))
    allowance.give_back(99)
    assert called == []
    allowance.give_back(1)
    assert called == [1]
    allowance.give_back(50)
    assert called == [1]


def test_who_waited_longest_goes_first_and_the_others_wait_on_when_he_takes_it_all(allowance):
    called = []

    def greedy() -> None:
        called.append("greedy")
        allowance.take(200)

    allowance.take(150)
    allowance.await_room(1, greedy)
    allowance.await_room(2, lambda: called.append("second"))
    allowance.give_back(150)
    assert called == ["greedy"]
    allowance.give_back(200)
    assert called == ["greedy", "second"]


def test_who_asks_again_keeps_his_place(allowance):
    called = []
    allowance.take(150)
    for who in (1, 2, 1):
        allowance.await_room(who, lambda who=who: called.append(who))
    allowance.give_back(150)
    assert called == [1, 2]


def test_who_has_left_is_not_called(allowance):
    allowance.take(150)
    allowance.await_room(1, lambda: pytest.fail("it had left"))
    allowance.forget(1)
    allowance.give_back(150)
