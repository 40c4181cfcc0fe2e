"""Which networks an address belongs to."""

import pytest

from services.servers import networks
from services.servers.networks import Access, Networks
from services.servers.spec import Limits


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        (("10.0.0.7", 5000), "10.0.0.7"),
        (("::ffff:10.0.0.7", 5000, 0, 0), "10.0.0.7"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::1"),
        (("2001:db8::7", 5000, 0, 0), "2001:db8::7"),
        ("/tmp/a.sock", ""),
        (b"\0abstract", ""),
        (None, ""),
    ],
)
def test_a_host_is_written_in_one_way_only(raw, host):
    assert networks.host(raw) == host


@pytest.mark.parametrize(
    ("host", "source"),
    [("10.0.0.7", "10.0.0.7"), ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"), ("::1", "::/64"), ("", "")],
)
def test_a_source_is_an_ipv4_address_or_the_64_of_an_ipv6_one(host, source):
    assert networks.source(host) == source


@pytest.mark.parametrize(
    ("host", "is_inside"),
    [
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("9.255.255.255", False),
        ("11.0.0.0", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::", True),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", True),
        ("2001:db9::", False),
        ("a00::", False),  # the first byte of 10.0.0.0, in the other family
    ],
)
def test_a_network_ends_where_its_prefix_says(host, is_inside):
    assert (host in Networks(("10.0.0.0/8", "192.0.2.7", "2001:db8::/32"))) is is_inside


def test_the_network_of_all_holds_its_own_family_only():
    assert "8.8.8.8" in Networks(("0.0.0.0/0",))
    assert "::1" not in Networks(("0.0.0.0/0",))
    assert not Networks(())


def test_denied_beats_allowed_and_nobody_named_means_everybody():
    assert Access(Limits()).is_open
    access = Access(Limits(allow=("10.0.0.0/8",), deny=("10.1.0.0/16",)))
    assert not access.is_open
    assert [access.lets_in(host) for host in ("10.2.0.1", "10.1.0.1", "8.8.8.8", "127.0.0.1", "")] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert Access(Limits(deny=("10.0.0.0/8",))).lets_in("8.8.8.8")


def test_loopback_and_trusted_networks_are_exempt():
    access = Access(Limits(trusted=("203.0.113.0/24",)))
    assert [host for host in ("127.9.9.9", "::1", "203.0.113.7", "") if not access.is_exempt(host)] == []
    assert [host for host in ("10.0.0.1", "203.0.114.1", "fe80::1") if access.is_exempt(host)] == []


NEAR = ["127.9.9.9", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.1.1", "::1", "fd00::1", "fe80::1", ""]


@pytest.mark.parametrize("host", [*NEAR, "203.0.113.7"])
def test_this_machine_this_link_private_and_trusted_networks_are_near(host):
    assert Access(Limits(trusted=("203.0.113.0/24",))).is_near(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "172.32.0.1", "192.169.0.1", "2001:db8::1", "203.0.113.7"])
def test_all_others_are_far(host):
    assert not Access(Limits()).is_near(host)


@pytest.mark.parametrize("host", ["255.255.255.255", "224.0.0.1", "239.255.255.255", "0.0.0.0", "ff02::1", "::"])
def test_a_group_is_no_single_machine(host):
    assert networks.is_everybody(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "223.255.255.255", "240.0.0.1", "::1", "fe80::1"])
def test_a_machine_is_one(host):
    assert not networks.is_everybody(host)


def test_a_network_of_mapped_addresses_is_the_one_of_the_ipv4_addresses():
    for network, inside, outside in (
        ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"),
        ("::ffff:a00:1", "10.0.0.1", "10.0.0.2"),
    ):
        access = Access(Limits(deny=(network,)))
        assert not access.lets_in(networks.host((f"::ffff:{inside}", 5000, 0, 0)))
        assert not access.lets_in(inside)
        assert access.lets_in(outside)
    assert not Access(Limits(deny=("::ffff:0:0/96",))).lets_in("192.0.2.1")
    assert Access(Limits(deny=("::fffe:0:0/95",))).lets_in("192.0.2.1")
