"""What the panel is called, derived from the address it is bound to."""

import socket

import pytest

from sockpanel import origins
from sockpanel.origins import OwnOrigins

BOTH = ("127.0.0.1", "::1")
IPV4, ALL = "0.0.0.0", "::"


def own(*bound: str, port: int = 8000, tls: bool = False, others: tuple[str, ...] = ()) -> OwnOrigins:
    return OwnOrigins(bound or BOTH, port, tls=tls, others=others)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that this machine is to have, which a test may change; its name is box.lan."""
    addresses = ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7", "fe80::7%eth0"]
    monkeypatch.setattr(origins, "_addresses", lambda: list(addresses))
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.lan")
    return addresses


def trusted(known: OwnOrigins) -> set[str]:
    """Of the names that this machine may have."""
    names = ("127.0.0.1", "127.0.0.2", "localhost", "[::1]", "192.0.2.7", "[2001:db8::7]", "box", "box.lan")
    found = {name for name in names if known.is_host(f"{name}:8000")}
    assert found == {name for name in names if known.is_origin(f"http://{name}:8000")}
    return found


def test_a_panel_on_loopback_has_the_three_names_of_loopback(machine: list[str]):
    assert trusted(own()) == {"127.0.0.1", "localhost", "[::1]"}


@pytest.mark.parametrize("bound", BOTH)
def test_localhost_is_the_panel_only_where_it_has_both_addresses_of_that_name(machine: list[str], bound: str):
    """Whoever listens at the other one would be the panel for a browser."""
    assert trusted(own(bound)) == {origins.in_url(bound)}


def test_a_machine_without_ipv6_has_one_address_of_that_name(machine: list[str]):
    machine.remove("::1")
    assert trusted(own("127.0.0.1")) == {"127.0.0.1", "localhost"}


def test_an_ipv6_that_comes_later_takes_localhost_away(machine: list[str], monkeypatch: pytest.MonkeyPatch):
    machine.remove("::1")
    known = own("127.0.0.1")
    machine.append("::1")
    monkeypatch.setattr(origins, "LOOK_AGAIN_AFTER", 0.0)
    assert trusted(known) == {"127.0.0.1"}


@pytest.mark.parametrize("address", ["192.0.2.7", "127.0.0.2", "2001:db8::7"])
def test_a_panel_on_one_address_has_that_name_alone(machine: list[str], address: str):
    assert trusted(own(address)) == {origins.in_url(address)}


def test_a_panel_on_all_addresses_has_those_of_the_machine_and_its_name(machine: list[str]):
    assert trusted(own(ALL)) == {"127.0.0.1", "localhost", "[::1]", "192.0.2.7", "[2001:db8::7]", "box", "box.lan"}


def test_one_on_all_of_ipv4_has_no_name_that_may_lead_to_ipv6(machine: list[str]):
    assert trusted(own(IPV4)) == {"127.0.0.1", "192.0.2.7"}
    assert trusted(own(IPV4, "::1")) == {"127.0.0.1", "192.0.2.7", "localhost", "[::1]"}


def test_with_tls_it_has_the_name_of_the_machine_for_nobody_else_has_the_certificate(machine: list[str]):
    assert own(IPV4, "::1", tls=True).is_origin("https://box.lan:8000")


def test_without_any_ipv6_it_has_the_name_of_the_machine(machine: list[str]):
    machine[:] = ["127.0.0.1", "192.0.2.7"]
    assert trusted(own(IPV4)) == {"127.0.0.1", "192.0.2.7", "localhost", "box", "box.lan"}


def test_this_machine_is_looked_at():
    assert own(ALL).is_host(f"{socket.gethostname().lower()}:8000")
    assert "127.0.0.1" in origins.machine_names(["127.0.0.1"], tls=False)


def test_the_schemes_own_port_may_be_left_out_of_the_host_and_never_stands_in_the_origin():
    known = own(port=443, tls=True)
    assert known.is_host("localhost")
    assert known.is_host("localhost:443")
    assert known.is_origin("https://localhost")
    assert not known.is_origin("https://localhost:443")


def test_a_named_origin_is_added_to_the_derived_ones():
    known = own(others=("https://panel.example.org", "http://panel.lan:8080"))
    assert known.is_host("panel.example.org")
    assert known.is_host("panel.example.org:443")
    assert known.is_host("panel.lan:8080")
    assert not known.is_host("panel.lan")
    assert known.is_origin("https://panel.example.org")
    assert not known.is_origin("http://panel.example.org")
    assert known.is_host("localhost:8000")


def test_an_address_that_the_machine_gets_later_is_learnt(monkeypatch: pytest.MonkeyPatch):
    names = ["192.0.2.7"]
    known = OwnOrigins([IPV4], 8000, tls=False, names=lambda: names)
    names.append("192.0.2.8")
    assert not known.is_host("192.0.2.8:8000")
    monkeypatch.setattr(origins, "LOOK_AGAIN_AFTER", 0.0)
    assert known.is_host("192.0.2.8:8000")
    assert known.is_origin("http://192.0.2.8:8000")
