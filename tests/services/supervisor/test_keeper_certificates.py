"""A certificate reaches its worker at the start and when it is renewed, replayed with fakes."""

from typing import Any

import pytest

from services.errors import AddressInUse
from services.servers import validation
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.supervisor.states import State


def material(name: str) -> TlsMaterial:
    return TlsMaterial(f"certificate {name}", f"key {name}")


def test_a_worker_starts_with_its_certificate(house):
    house.running(tls=material("old"))
    assert house.worker.launch.tls == material("old")
    assert house.worker.certified == []


def test_a_renewed_certificate_is_told_to_the_worker_that_runs_once(house):
    keeper = house.running(tls=material("old"))
    for _ in range(2):
        keeper.heed(house.wanted(tls=material("new")))
    assert (keeper.state, house.worker.certified, house.worker.terminated) == (State.RUNNING, [material("new")], 0)


def test_a_restarted_worker_starts_with_the_renewed_one(house):
    keeper = house.running(tls=material("old"))
    keeper.heed(house.wanted(tls=material("new")))
    house.clock.advance(10)
    house.worker.end(signal=9)
    house.clock.advance(1)
    assert house.worker.launch.tls == material("new")


def test_a_look_from_before_a_change_does_not_bring_the_old_certificate(house):
    keeper = house.running(tls=material("old"), revision=1)
    keeper.heed(house.wanted(tls=material("new"), revision=2))
    keeper.heed(house.wanted(tls=material("old"), revision=1))
    assert house.worker.certified == [material("new")]
    assert keeper.wanted.tls == material("new")


def test_a_worker_that_does_not_take_it_is_killed(house):
    keeper = house.running(tls=material("old"))
    house.worker.is_deaf = True
    keeper.heed(house.wanted(tls=material("new")))
    assert house.worker.killed[0].startswith("The worker did not take its renewed certificate and was killed.")


def speaking(certificate: str, **words: Any) -> ServerSpec:
    return validation.build(
        {"name": "lab", "kind": "tcp", "port": 9, "tls": {"mode": "on", "certificate": certificate, **words}}
    )


def test_another_certificate_needs_no_other_worker(house):
    keeper = house.running(spec=speaking("old"), tls=material("old"), revision=1)
    keeper.heed(house.wanted(spec=speaking("new"), tls=material("new"), revision=2))
    assert (keeper.state, house.worker.certified, house.worker.terminated) == (State.RUNNING, [material("new")], 0)


def test_another_minimum_does(house):
    keeper = house.running(spec=speaking("old"), tls=material("old"), revision=1)
    keeper.heed(house.wanted(spec=speaking("old", minimum="1.3"), tls=material("old"), revision=2))
    assert (keeper.state, house.worker.terminated) == (State.STOPPING, 1)


MISSING = "The private key of lab is not on this machine."


@pytest.mark.parametrize("tls", [{}, {"mode": "on", "certificate": "old", "minimum": "1.3"}])
def test_a_change_that_fails_goes_back_to_the_old_certificate_too(house, tls):
    keeper = house.running(spec=speaking("old"), tls=material("old"), revision=1)
    changed = validation.build({"name": "lab", "kind": "tcp", "port": 9, "host": "0.0.0.0", "tls": tls})
    outcome: list[Any] = []
    keeper.exchange(house.wanted(spec=changed, missing=MISSING, revision=2), outcome.append)
    answers = iter([AddressInUse("in use by pid 812 (nginx)"), None])
    house.means.__dict__["open"] = lambda spec, answer, once=house.means.open: (
        answer(error) if (error := next(answers)) else once(spec, answer)
    )
    house.worker.end(code=0)
    house.worker.ready()
    assert isinstance(outcome[0], AddressInUse)
    assert (keeper.state, house.worker.launch.spec) == (State.RUNNING, speaking("old"))
    assert (house.worker.launch.tls, keeper.wanted.missing) == (material("old"), "")


def test_a_change_to_a_certificate_that_is_missing_goes_back(house):
    keeper = house.running(spec=speaking("old"), tls=material("old"), revision=1)
    outcome: list[Any] = []
    keeper.exchange(house.wanted(spec=speaking("new", minimum="1.3"), missing=MISSING, revision=2), outcome.append)
    house.worker.end(code=0)
    house.worker.ready()
    assert [error.message for error in outcome] == [MISSING]
    assert (keeper.state, house.worker.launch.spec) == (State.RUNNING, speaking("old"))
    assert house.open_sockets == 1


def test_a_look_from_before_a_change_does_not_say_that_its_certificate_is_missing(house):
    keeper = house.running(tls=material("old"), revision=1)
    keeper.heed(house.wanted(tls=material("new"), revision=2))
    keeper.heed(house.wanted(missing=MISSING, revision=1))
    assert keeper.wanted.missing == ""


def test_without_its_certificate_a_server_does_not_start_and_says_why(house):
    keeper = house.keeper(missing=MISSING)
    assert (keeper.state, house.journal.moves[-1].reason) == (State.FATAL, MISSING)


def test_a_server_that_runs_goes_on_when_its_certificate_is_gone(house):
    keeper = house.running(tls=material("old"))
    keeper.heed(house.wanted(missing=MISSING))
    assert (keeper.state, house.worker.certified, house.worker.terminated) == (State.RUNNING, [], 0)
