"""What the panel is called, derived from the address it is bound to."""

import socket

import pytest

from sockpanel import origins
from sockpanel.origins import OwnOrigins


def own(address: str = "127.0.0.1", port: int = 8000, *, tls: bool = False, others: tuple[str, ...] = ()) -> OwnOrigins:
    return OwnOrigins(address, port, tls=tls, others=others)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_a_panel_on_loopback_has_the_three_names_of_loopback(address: str, name: str):
    assert own(address).is_host(f"{name}:8000")
    assert own(address).is_origin(f"http://{name}:8000")


def test_a_panel_on_one_address_has_that_name_alone():
    known = own("192.0.2.7")
    assert known.is_host("192.0.2.7:8000")
    assert not known.is_host("127.0.0.1:8000")


def test_a_panel_on_all_addresses_has_those_of_the_machine_and_its_name():
    known = own("0.0.0.0")
    for name in ("127.0.0.1", "localhost", "[::1]", socket.gethostname().lower(), *origins.interface_addresses()):
        assert known.is_host(f"{origins.in_url(name) if name[0] != '[' else name}:8000")
    assert not known.is_host("192.0.2.7:8000")


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
    known = OwnOrigins("0.0.0.0", 8000, tls=False, names=lambda: names)
    names.append("192.0.2.8")
    assert not known.is_host("192.0.2.8:8000")
    monkeypatch.setattr(origins, "LOOK_AGAIN_AFTER", 0.0)
    assert known.is_host("192.0.2.8:8000")
    assert known.is_origin("http://192.0.2.8:8000")
