"""What is our own address and what is everybody's, asked of the kernel."""

import pytest

from services.servers import whereabouts
from services.servers.socket_options import IP_PKTINFO, destination


@pytest.mark.parametrize(
    "address", [("127.0.0.1", 5), ("127.9.9.9", 5), ("::1", 5, 0, 0), ("::ffff:127.0.0.1", 5, 0, 0), ("::1", 5)]
)
def test_loopback_is_ours_in_every_form(address):
    assert whereabouts.is_ours(address)


@pytest.mark.parametrize("address", [("203.0.113.5", 5), ("2001:db8::5", 5, 0, 0), ("::ffff:203.0.113.5", 5, 0, 0)])
def test_other_machines_are_not(address):
    assert not whereabouts.is_ours(address)


@pytest.mark.parametrize(
    "address",
    [
        ("127.255.255.255", 5),
        ("255.255.255.255", 5),
        ("224.0.0.1", 5),
        ("ff02::1", 5, 0, 0),
        ("::ffff:127.255.255.255", 5, 0, 0),
    ],
)
def test_broadcast_addresses_and_groups_are_everybody(address):
    assert whereabouts.is_everybody(address)


@pytest.mark.parametrize("address", [("127.0.0.1", 5), ("203.0.113.5", 5), ("::1", 5, 0, 0), ("2001:db8::5", 5)])
def test_a_machine_is_not(address):
    assert not whereabouts.is_everybody(address)


def test_the_kernel_tells_whom_a_datagram_was_for():
    four = (0, IP_PKTINFO, b"\1\0\0\0" + b"\x7f\0\0\1" + b"\x7f\xff\xff\xff")
    six = (41, 50, b"\0" * 10 + b"\xff\xff" + b"\x7f\0\0\3" + b"\1\0\0\0")
    assert destination([four]) == ("127.255.255.255", 0)
    assert destination([six]) == ("::ffff:127.0.0.3", 0)
    assert destination([]) is None
    assert destination([(1, 2, b"")]) is None
