"""What lets more in is told from what does not: by each limit, by the networks, and by the address."""

from typing import Any

import msgspec
import pytest

from services import widening
from services.servers.spec import Limits

RAISED = [
    ({}, {"connections": 1001}, "connections"),
    ({"connections": 10}, {}, "connections"),  # the default is more
    ({}, {"connections_per_source": 0}, "connections_per_source"),  # 0 is no limit
    ({}, {"accepts_per_second": 50.5}, "accepts_per_second"),
    ({"messages_per_second": 10}, {"messages_per_second": 0}, "messages_per_second"),
    ({}, {"replies_per_source": 11}, "replies_per_source"),
    ({}, {"replies_per_second": 0}, "replies_per_second"),
    ({"first_byte_timeout": 1}, {"first_byte_timeout": 2}, "first_byte_timeout"),
    ({"idle_timeout": 1}, {}, "idle_timeout"),
    ({}, {"frame_timeout": 0}, "frame_timeout"),
    ({}, {"write_timeout": 31}, "write_timeout"),
    ({"keep_bytes": 10}, {"keep_bytes": 11}, "keep_bytes"),
    ({"allow": ["10.0.0.0/8"]}, {"allow": []}, "allow"),
    ({"allow": ["10.0.0.0/8"]}, {"allow": ["10.0.0.0/8", "192.0.2.0/24"]}, "allow"),
    ({"deny": ["10.0.0.0/8"]}, {}, "deny"),
    ({}, {"trusted": ["10.0.0.0/8"]}, "trusted"),
]
SAME_OR_LESS = [
    ({}, {}),
    ({}, {"connections": 1000, "reply_after_commit": True}),
    ({"connections_per_source": 0}, {"connections_per_source": 64}),
    ({"idle_timeout": 0}, {"idle_timeout": 604_800}),
    ({}, {"allow": ["10.0.0.0/8"], "deny": ["192.0.2.0/24"]}),
    ({"allow": ["10.0.0.0/8", "192.0.2.7"]}, {"allow": ["192.0.2.7"]}),
    ({"trusted": ["10.0.0.0/8"]}, {}),
]


def reason(before: dict[str, Any], after: dict[str, Any]) -> str:
    """The only one, or none."""
    found = widening.reasons(before, after)
    assert len(found) <= 1
    return "".join(found)


def of(limits: dict[str, Any], host: str = "127.0.0.1") -> dict[str, Any]:
    return {**widening.FRESH, "host": host, "limits": limits}


def secured(**tls: str) -> dict[str, Any]:
    return {**widening.FRESH, "tls": {"mode": "on", "certificate": "lab", **tls}}


@pytest.mark.parametrize(("before", "after", "field"), RAISED)
def test_each_limit_that_is_raised_is_named(before: dict[str, Any], after: dict[str, Any], field: str) -> None:
    assert reason(of(before), of(after)) == f"limits.{field}"
    assert reason(of(after), of(before)) == ""


@pytest.mark.parametrize(("before", "after"), SAME_OR_LESS)
def test_what_stays_or_lets_less_in_needs_no_reason(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert reason(of(before), of(after)) == ""


def test_no_limit_is_forgotten() -> None:
    known = {field for _, _, field in RAISED} | {"reply_after_commit"}  # which is none
    assert {field.name for field in msgspec.structs.fields(Limits)} == known


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "fe80::1%eth0", "2001:db8::1"])
def test_an_address_that_others_reach_is_one(host: str) -> None:
    assert reason(of({}), of({}, host)) == "host"
    assert reason(of({}, host), of({})) == ""


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "/run/lab.sock", "@lab"])
def test_an_address_of_this_machine_alone_is_none(host: str) -> None:
    assert reason(of({}), of({}, host)) == ""


def test_from_one_interface_to_another_is_one() -> None:
    assert reason(of({}, "192.0.2.7"), of({}, "0.0.0.0")) == "host"
    assert reason(of({}, "192.0.2.7"), of({}, "192.0.2.7")) == ""


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (secured(), widening.FRESH, "mode"),
        (secured(client="required", client_ca="a"), secured(client="optional", client_ca="a"), "client"),
        (secured(client="optional", client_ca="a"), secured(), "client"),
        (secured(client="required", client_ca="a"), secured(client="required", client_ca="b"), "client_ca"),
        (secured(minimum="1.3"), secured(), "minimum"),
    ],
)
def test_tls_that_protects_less_is_one(before: dict[str, Any], after: dict[str, Any], field: str) -> None:
    assert reason(before, after) == f"tls.{field}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (widening.FRESH, secured()),
        (secured(), secured(client="required", client_ca="a", minimum="1.3")),
        (secured(), secured(certificate="other")),
    ],
)
def test_tls_that_protects_as_much_is_none(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert reason(before, after) == ""


def test_longer_frames_are_one() -> None:
    small, large = ({**widening.FRESH, "framing": {"type": "line", "max_bytes": size}} for size in (10, 11))
    assert (reason(small, large), reason(large, small)) == ("framing.max_bytes", "")


def test_all_that_lets_more_in_is_named_the_worst_first() -> None:
    before = of({"deny": ["10.0.0.0/8"]}) | {"tls": secured()["tls"]}
    after = of({"connections": 5000, "idle_timeout": 0}, "0.0.0.0") | {
        "framing": {"type": "line", "max_bytes": 10_000_000}
    }
    named = ["host", "framing.max_bytes", "limits.connections", "limits.deny", "tls.mode"]
    assert widening.reasons(before, after) == named
