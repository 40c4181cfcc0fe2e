"""Each key is told of once, and never too many."""

from services.servers.exposures import DUE, MOST, Exposures
from services.servers.redaction import Secret


def secrets(*numbers: int) -> list[Secret]:
    return [Secret("session", number.to_bytes(32)) for number in numbers]


def test_a_key_is_told_of_once():
    exposures = Exposures()
    assert exposures.note(secrets(1), 7, "10.0.0.1:5")
    assert not exposures.note(secrets(1), 8, "10.0.0.2:5")
    [told] = exposures.take()
    assert (told.kind, told.digest, told.connection, told.peer) == ("session", (1).to_bytes(32), 7, "10.0.0.1:5")
    assert exposures.take() == []
    assert not exposures


def test_what_is_due_and_what_is_remembered_are_bounded():
    exposures = Exposures()
    for start in range(0, 3 * MOST, 100):
        exposures.note(secrets(*range(start, start + 100)), 1, "")
        if start % (10 * DUE) == 0:
            exposures.take()
    assert len(exposures._due) <= DUE
    assert len(exposures._known) <= MOST
