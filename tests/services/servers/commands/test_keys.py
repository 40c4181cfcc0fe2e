"""Who is let in: every reason not to, and the first moment and address of each."""

import pytest

from services.servers.commands.keys import Judge
from services.servers.report import Key

PUBLIC = b"k" * 32
SOURCE = "10.9.8.7:5000"


def objection(source: str = SOURCE, now: int = 100, **words: object) -> str:
    key = Key(public=PUBLIC, name="lab", **words)
    return Judge([key], now=lambda: now).objection(key, source)


def test_a_key_is_found_by_its_public_half_whatever_is_wrong_with_it():
    lab = Key(public=PUBLIC, name="lab", revoked=True)
    assert Judge([lab]).find(PUBLIC) is lab
    assert Judge([lab]).find(b"x" * 32) is None


def test_a_key_without_restrictions_may_come_in():
    assert objection() == ""


def test_a_revoked_key_may_not():
    assert objection(revoked=True) == "the key lab is revoked"


@pytest.mark.parametrize(("expires", "words"), [(101, ""), (100, "the key lab has expired")])
def test_a_key_expires_at_its_microsecond(expires: int, words: str):
    assert objection(now=100, expires_at=expires) == words


@pytest.mark.parametrize(
    ("network", "source"),
    [
        ("10.0.0.0/8", SOURCE),
        ("10.9.8.7", SOURCE),
        ("10.9.8.7/32", "[::ffff:10.9.8.7]:5000"),
        ("::ffff:10.0.0.0/104", SOURCE),
        ("fd00::/8", "[fd00::1]:5000"),
        ("fe80::/10", "[fe80::1%eth0]:5000"),
        ("::1", "[::1]:5000"),
    ],
)
def test_a_key_is_for_the_networks_that_it_names(network: str, source: str):
    assert objection(source, sources=("192.0.2.1", network)) == ""


@pytest.mark.parametrize(
    ("network", "source", "host"),
    [
        ("10.9.8.6", SOURCE, "10.9.8.7"),
        ("10.9.8.8/29", "10.9.8.7:5000", "10.9.8.7"),
        ("fd00::/8", SOURCE, "10.9.8.7"),
        ("0.0.0.0/0", "[fd00::1]:5000", "fd00::1"),
        ("no network", SOURCE, "10.9.8.7"),
        ("0.0.0.0/0", "unnamed", "unnamed"),
    ],
)
def test_and_for_no_other(network: str, source: str, host: str):
    assert objection(source, sources=(network,)) == f"used from {host}, which the key lab is not for"


@pytest.mark.parametrize(("expires", "left"), [(None, None), (1_500_000, 1.5), (-5, 0.0)])
def test_knows_how_long_a_key_has_left(expires: int | None, left: float | None):
    assert Judge(now=lambda: 0).seconds_left(Key(public=PUBLIC, name="lab", expires_at=expires)) == left
