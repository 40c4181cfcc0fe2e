"""Of what proxies say, only what trusted ones have added counts."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from sockpanel.proxies import Proxies
from tests.sockpanel.panel import Panel
from tests.sockpanel.test_border import upgrade
from tests.sockpanel.visitor import Visitor

TRUSTED = Proxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def scope(peer: str, **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": [peer, 5000], "scheme": "http", "headers": [(b"host", b"inner:8000"), *named]}


def client(peer: str, forwarded: str, proxies: Proxies = TRUSTED) -> str:
    return str(proxies.read(scope(peer, x_forwarded_for=forwarded))["client"][0])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.9, 10.9.9.9", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::9", "2001:db8::9"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxy(peer: str, forwarded: str, expected: str):
    assert client(peer, forwarded) == expected


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("named", ["127.0.0.1/32", "127.0.0.0/8", "::1/128"])
def test_a_proxy_on_this_machine_may_come_by_either_address(peer: str, named: str):
    assert client(peer, "198.51.100.9", Proxies([ip_network(named)])) == "198.51.100.9"
    assert client(peer, "198.51.100.9") == peer


def test_without_trusted_proxies_nothing_they_say_counts():
    said = scope("10.0.0.1", x_forwarded_for="1.2.3.4", x_forwarded_proto="https", x_forwarded_host="evil.example")
    assert Proxies().read(said) == said


def test_a_mapped_address_is_shown_as_plain_ipv4():
    assert Proxies().read(scope("::ffff:192.0.2.1"))["client"] == ["192.0.2.1", 5000]


def test_scheme_and_host_come_from_the_nearest_trusted_proxy():
    read = TRUSTED.read(scope("10.0.0.1", x_forwarded_proto="http, https", x_forwarded_host="a.example, panel.example"))
    assert read["scheme"] == "https"
    assert [value for name, value in read["headers"] if name == b"host"] == [b"panel.example"]


@pytest.mark.parametrize("proto", ["ftp", "", "HTTPS"])
def test_a_scheme_that_makes_no_sense_is_left_alone(proto: str):
    assert TRUSTED.read(scope("10.0.0.1", x_forwarded_proto=proto))["scheme"] == "http"


@pytest.fixture(scope="module")
def behind() -> Iterator[Panel]:
    """A panel behind a proxy with TLS: this test."""
    panel = Panel(command="web", SOCKPANEL_PROXIES="127.0.0.1/32", SOCKPANEL_ORIGINS="https://panel.example")
    panel.start()
    yield panel
    panel.end()


def visitor(panel: Panel, client: str = "198.51.100.9") -> Visitor:
    """As the proxy passes somebody on."""
    found = panel.visitor()
    found.headers = {
        "Host": "panel.example",
        "Origin": "https://panel.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": f"203.0.113.7, {client}",
    }
    return found


def test_behind_a_proxy_people_sign_in_and_follow_with_cookies_for_tls_alone(behind: Panel):
    ada = visitor(behind)
    answer = ada.sign_in(behind.username, behind.password)
    assert answer.status == 302
    assert answer.headers["Set-Cookie"].startswith("__Host-sp_")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age=" in ada.get("/servers/").headers["Strict-Transport-Security"]
    cookie = "Cookie: " + "; ".join(f"{name}={value}" for name, value in ada.cookies.items())
    for origin, status in (
        ("https://panel.example", 101),
        ("http://panel.example", 403),
        ("https://evil.example", 403),
    ):
        assert upgrade(behind, cookie, f"Origin: {origin}", "X-Forwarded-Proto: https", host="panel.example") == status


def test_whoever_comes_past_the_proxy_or_by_plain_http_is_sent_to_tls(behind: Panel):
    plain = visitor(behind)
    plain.headers["X-Forwarded-Proto"] = "http"
    assert plain.get("/login/").headers["Location"] == "https://panel.example/login/"
    assert behind.visitor().get("/login/").headers["Location"].startswith("https://")
    assert behind.visitor().get("/healthz").status == 200


def test_guesses_count_for_the_address_that_the_proxy_saw(behind: Panel):
    statuses = [visitor(behind, "198.51.100.66").sign_in("nobody", "wrong").status for _ in range(11)]
    assert statuses[-1] == 429
    assert visitor(behind, "198.51.100.67").sign_in("nobody", "wrong").status == 400
