"""Who may try to sign in: 10:30:100, and those who are kept out."""

import ipaddress

import pytest

from services.servers.commands.admission import FULL, Admission
from services.servers.commands.penalties import Penalties

AWAY = ipaddress.ip_address("192.0.2.7")
HERE = ipaddress.ip_address("127.0.0.1")


def admission(chance: float = 0.0, strangers: int = 0, address: ipaddress.IPv4Address = AWAY) -> Admission:
    ours = Admission(Penalties(lambda: 0.0), chance=lambda: chance)
    for _ in range(strangers):
        ours.entered(address)
    return ours


@pytest.mark.parametrize(
    ("strangers", "chance", "refused"),
    [
        (9, 0.0, False),
        (10, 0.299, True),
        (10, 0.301, False),
        (55, 0.649, True),
        (55, 0.651, False),
        (99, 0.99, True),
        (100, 0.9999, True),
    ],
)
def test_the_more_strangers_there_are_the_fewer_come_in(strangers: int, chance: float, refused: bool):
    assert bool(admission(chance, strangers).refusal(AWAY)) is refused


def test_this_machine_is_refused_by_no_chance_and_only_when_all_places_are_taken():
    assert admission(0.0, FULL - 1, HERE).refusal(HERE) == ""
    assert admission(0.0, FULL, HERE).refusal(HERE) == "came while 100 others were signing in"


def test_strangers_from_elsewhere_take_no_place_of_this_machine_and_the_other_way_round():
    assert admission(0.0, FULL, AWAY).refusal(HERE) == ""
    assert admission(0.0, FULL, HERE).refusal(AWAY) == ""


@pytest.mark.parametrize("outcome", ["signed_in", "failed", "left"])
def test_whoever_is_no_stranger_any_more_leaves_a_place(outcome: str):
    ours = admission(0.0, 10)
    assert ours.refusal(AWAY)
    getattr(ours, outcome)(AWAY)
    assert not ours.refusal(AWAY)


@pytest.mark.parametrize(("outcome", "times"), [("failed", 3), ("left", 15)])
def test_who_fails_or_leaves_again_and_again_is_kept_out(outcome: str, times: int):
    ours = admission(1.0, times)
    assert [getattr(ours, outcome)(AWAY) for _ in range(times)] == [False] * (times - 1) + [True]
    assert ours.refusal(AWAY) == "is kept out after failed sign-ins"
    assert ours.refusal(ipaddress.ip_address("192.0.2.8")) == ""


def test_signing_in_has_no_penalty():
    ours = admission(1.0, 100)
    for _ in range(100):
        ours.signed_in(AWAY)
    assert ours.refusal(AWAY) == ""
