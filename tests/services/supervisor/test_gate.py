"""A few at a time, the others in order."""

from services.supervisor.gate import Gate


def entered(places, *names):
    gate, inside = Gate(places), []
    for name in names:
        gate.enter(name, lambda name=name: inside.append(name))
    return gate, inside


def test_as_many_as_there_are_places_enter_at_once():
    _, inside = entered(2, 1, 2, 3)
    assert inside == [1, 2]


def test_who_leaves_lets_the_next_in_by_the_order_they_came():
    gate, inside = entered(1, 7, 5, 6)
    gate.leave(7)
    gate.leave(5)
    assert inside == [7, 5, 6]


def test_who_leaves_the_queue_is_never_let_in():
    gate, inside = entered(1, 1, 2, 3)
    gate.leave(2)
    gate.leave(1)
    assert inside == [1, 3]


def test_leaving_twice_or_without_having_come_frees_no_place():
    gate, inside = entered(1, 1, 2, 3)
    gate.leave(99)
    gate.leave(1)
    gate.leave(1)
    assert inside == [1, 2]


def test_who_leaves_while_being_let_in_frees_the_place():
    gate, inside = Gate(1), []

    def fails():
        inside.append(1)
        gate.leave(1)

    gate.enter(1, fails)
    gate.enter(2, lambda: inside.append(2))
    assert inside == [1, 2]
