"""The limits of a server: the last good and the first bad value of each, and networks whose mistake is named."""

from typing import Any

import pytest

from services.servers import limits
from services.servers.spec import Limits


def problem(field: str, value: Any) -> str:
    """What is said of one field with this value; empty when it is fine."""
    problems: dict[str, str] = {}
    limits.check(Limits(**{field: value}), problems)
    assert set(problems) <= {f"limits.{field}"}
    return problems.get(f"limits.{field}", "")


def test_the_defaults_are_fine():
    problems: dict[str, str] = {}
    limits.check(Limits(), problems)
    assert problems == {}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("keep_bytes", (0, 1024 * 1024), (-1, 1024 * 1024 + 1)),
        ("connections", (1, 100_000), (0, 100_001)),
        ("connections_per_source", (0, 1, 100_000), (-1, 100_001)),
        ("accepts_per_second", (0, 0.1, 100_000), (-1, 0.05, 100_001, float("nan"), float("inf"))),
        ("messages_per_second", (0, 0.1, 10_000_000), (-1, 0.05, 10_000_001, float("nan"))),
        ("replies_per_source", (0, 0.1, 10_000_000), (-1, 0.05, 10_000_001)),
        ("replies_per_second", (0, 0.1, 10_000_000), (-1, 0.05, 10_000_001)),
        ("first_byte_timeout", (0, 0.1, 86_400), (-1, 0.05, 86_401)),
        ("idle_timeout", (0, 0.1, 604_800), (-1, 0.05, 604_801)),
        ("frame_timeout", (0, 0.1, 86_400), (-1, 0.05, 86_401)),
        ("write_timeout", (1, 3600), (0, 0.9, 3601)),
    ],
)
def test_the_last_good_and_the_first_bad_values(field: str, good: tuple, bad: tuple):
    assert [value for value in good if problem(field, value)] == []
    assert [value for value in bad if not problem(field, value)] == []


@pytest.mark.parametrize("field", ["allow", "deny", "trusted"])
@pytest.mark.parametrize("network", ["10.0.0.0/8", "10.1.2.3", "::1", "2001:db8::/32", "0.0.0.0/0", "fe80::/10"])
def test_networks_and_single_addresses_are_fine(field: str, network: str):
    assert problem(field, (network,)) == ""


def test_host_bits_are_named_with_the_network_that_was_meant():
    assert problem("deny", ("10.1.2.3/8",)) == (
        "10.1.2.3/8 has bits set behind its prefix: write 10.0.0.0/8, or 10.1.2.3 for the one address."
    )


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0.0/33", "10.0.0/8", "١٠.0.0.0/8", "x" * 10_000])
def test_what_is_no_network_is_shown_with_an_example(text: str):
    assert problem("allow", (text,)).endswith("write an address or a network such as 10.0.0.0/8 or 2001:db8::/32.")
    assert len(problem("allow", (text,))) < 200


def test_the_number_of_networks_is_bounded():
    many = tuple(f"10.0.{number}.0/24" for number in range(256))
    assert problem("allow", many) == ""
    assert problem("allow", (*many, "10.1.0.0/24")) == "At most 256 networks can be named: join them into larger ones."
