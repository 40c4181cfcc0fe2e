"""Each key is told of once, and never too many."""

from services.servers.leaks import DUE, MOST, Leaks
from services.servers.redaction import Secret


def secrets(*numbers: int) -> list[Secret]:
    return [Secret("session", number.to_bytes(32)) for number in numbers]


def test_a_key_is_told_of_once():
    leaks = Leaks()
    assert leaks.note(secrets(1), 7, "10.0.0.1:5")
    assert not leaks.note(secrets(1), 8, "10.0.0.2:5")
    [told] = leaks.take()
    assert (told.kind, told.digest, told.connection, told.peer) == ("session", (1).to_bytes(32), 7, "10.0.0.1:5")
    assert leaks.take() == []
    assert not leaks


def test_what_is_due_and_what_is_remembered_are_bounded():
    leaks = Leaks()
    for start in range(0, 3 * MOST, 100):
        leaks.note(secrets(*range(start, start + 100)), 1, "")
        if start % (10 * DUE) == 0:
            leaks.take()
    assert len(leaks._due) <= DUE
    assert len(leaks._known) <= MOST
