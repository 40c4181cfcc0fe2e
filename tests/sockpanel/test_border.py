"""The border, by raw sockets against the real panel: no client library tidies these requests up."""

import http.client
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sockpanel.border import Border
from sockpanel.origins import OwnOrigins
from sockpanel.proxies import Proxies
from tests.services.servers.secrets_of import TOKEN, leaks
from tests.sockpanel.accounts.test_gate import every_path
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import raw

ROUTES = [*every_path(), "/static/css/tokens.css", "/static/no-such-file", "/no/such/page"]
OWN_HOSTS = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:{other}",
    "localhost",
    "localhost.:{port}",
    "127.0.0.1.nip.io:{port}",
    "0.0.0.0:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[0:0:0:0:0:0:0:1]:{port}",
    "user@127.0.0.1:{port}",
    "127.0.0.1:{port}:{port}",
    "127.0.0.1:0{port}",
    "127.0.0.1:99999",
    "http://127.0.0.1:{port}",
    "[::1",
    "",
    "\xff\xfe",
]
OWN_ORIGINS = ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]:{port}"]
FOREIGN_ORIGINS = [
    "null",
    "",
    "https://127.0.0.1:{port}",
    "ws://127.0.0.1:{port}",
    "http://127.0.0.1",
    "http://127.0.0.1:{other}",
    "http://localhost",
    "http://localhost:{other}",
    "http://localhost.:{port}",
    "http://evil.example",
    "http://evil.example:{port}",
    "http://127.0.0.1.evil.example:{port}",
    "http://evil.example#http://127.0.0.1:{port}",
    "http://user@127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/path",
    "http://127.0.0.1:{port}?",
    "http://127.0.0.1:0{port}",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:-1",
    "http://127.0.0.1:{port}, http://127.0.0.1:{port}",
    "http://[::1",
    "http://[::1]]:{port}",
    "http://[fe80::1%25eth0]:{port}",
    "//127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "http:// 127.0.0.1:{port}",
    "\xff\xfe",
]
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def ask(panel: Panel, line: str, *headers: str) -> int:
    """The status that a request of these lines gets."""
    text = f"{line} HTTP/1.1\r\n" + "".join(f"{header}\r\n" for header in headers) + "Connection: close\r\n\r\n"
    return raw(panel.host, panel.port, text.encode("latin-1"))[0]


def upgrade(panel: Panel, *headers: str, host: str = "127.0.0.1:{port}", path: str = "/ws/panel/") -> int:
    """The status that a WebSocket's handshake gets; 101 is a yes."""
    lines = [f"Host: {filled(panel, host)}", *headers]
    text = f"GET {path} HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines) + UPGRADE + "\r\n"
    return raw(panel.host, panel.port, text.encode("latin-1"))[0]


def filled(panel: Panel, text: str) -> str:
    return text.format(port=panel.port, other=panel.port + 1)


def statuses(panel: Panel, requests: Iterable[str]) -> Iterator[int]:
    """The statuses of requests, one after the other over one connection, or a new one where that was closed."""
    connection = None
    for request in requests:
        connection = connection or socket.create_connection((panel.host, panel.port), timeout=10)
        connection.sendall(request.encode("latin-1"))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        yield answer.status
        if answer.will_close:
            connection.close()
            connection = None
    if connection:
        connection.close()


@pytest.fixture(scope="module")
def cookie(panel: Panel) -> str:
    """The header of somebody signed in."""
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in panel.login().cookies.items())


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_the_panels_own_names_are_let_in(panel: Panel, host: str):
    assert ask(panel, "GET /healthz", f"Host: {filled(panel, host)}") == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_host_is_refused(panel: Panel, host: str):
    assert ask(panel, "GET /healthz", f"Host: {filled(panel, host)}") == 400


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_host_is_refused_on_every_route(panel: Panel, host: str):
    refused = statuses(panel, (f"GET {route} HTTP/1.1\r\nHost: {filled(panel, host)}\r\n\r\n" for route in ROUTES))
    assert {route: status for route, status in zip(ROUTES, refused, strict=True) if status != 400} == {}


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/healthz", "http://127.0.0.1:{port}/healthz", "https://evil.example", "*", "evil.example:80"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "CONNECT"])
def test_what_asks_for_another_thing_than_a_path_is_refused(panel: Panel, method: str, target: str):
    assert ask(panel, f"{method} {filled(panel, target)}", f"Host: 127.0.0.1:{panel.port}") == 400


def test_a_missing_host_and_two_hosts_are_refused(panel: Panel):
    own = f"Host: 127.0.0.1:{panel.port}"
    assert ask(panel, "GET /healthz") == 400
    assert ask(panel, "GET /healthz", own, own) == 400


@pytest.mark.parametrize("origin", OWN_ORIGINS)
def test_a_page_of_the_panel_gets_its_websocket(panel: Panel, cookie: str, origin: str):
    assert upgrade(panel, cookie, f"Origin: {filled(panel, origin)}") == 101


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_from_elsewhere_gets_no_websocket(panel: Panel, cookie: str, origin: str):
    assert upgrade(panel, cookie, f"Origin: {filled(panel, origin)}") == 403


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_websocket_to_another_host_is_refused(panel: Panel, cookie: str, host: str):
    assert upgrade(panel, cookie, f"Origin: http://127.0.0.1:{panel.port}", host=host) in (400, 403)


def test_a_websocket_with_a_cookie_needs_an_origin(panel: Panel, cookie: str):
    assert upgrade(panel, cookie) == 403


def test_two_origins_are_refused(panel: Panel, cookie: str):
    own = f"Origin: http://127.0.0.1:{panel.port}"
    assert upgrade(panel, cookie, own, own) == 403


def test_a_token_needs_no_origin(panel: Panel):
    assert upgrade(panel, f"Authorization: Bearer {panel.token}") == 101


def test_a_token_from_a_foreign_page_is_refused(panel: Panel):
    assert upgrade(panel, f"Authorization: Bearer {panel.token}", "Origin: http://evil.example") in (400, 403)


def test_a_cookie_beside_a_wrong_token_does_not_count(panel: Panel, cookie: str):
    assert upgrade(panel, cookie, "Authorization: Bearer wrong", f"Origin: http://127.0.0.1:{panel.port}") == 403
    assert ask(panel, "GET /api/v1/node", f"Host: 127.0.0.1:{panel.port}", cookie, "Authorization: Bearer wrong") == 401


ODD_COOKIES = [
    "{name} ={key}",
    "{name}= {key}",
    "{name}\t=\t{key}",
    '{name}="{key}"',
    '{name}="{octal}"',
    "{name}={key}x",
    "{name}=\xa0{key}",
    "{name}\x1f={key}",
    "{name}={upper}",
    "{name}={key}; {name} = {key}",
    "{name}={key}; {name}=",
]


@pytest.mark.parametrize("form", ODD_COOKIES)
def test_the_sessions_cookie_counts_as_browsers_write_it_alone(panel: Panel, cookie: str, form: str):
    """So what the redaction does not know of it does not sign anybody in."""
    name, _, key = next(part for part in cookie.removeprefix("Cookie: ").split("; ") if "sp_" in part).partition("=")
    odd = form.format(name=name, key=key, octal=f"\\{ord(key[0]):03o}{key[1:]}", upper=key.upper())
    own = f"127.0.0.1:{panel.port}"
    is_plain_too = form.startswith("{name}={key};")
    assert ask(panel, "GET /api/v1/account", f"Host: {own}", f"Cookie: {odd}") == (200 if is_plain_too else 401)
    assert upgrade(panel, f"Cookie: {odd}", f"Origin: http://{own}") == (101 if is_plain_too else 403)


def test_other_cookies_beside_it_may_be_written_as_they_like(panel: Panel, cookie: str):
    beside = f'Cookie: theme = "a b"; ;x;{cookie.removeprefix("Cookie: ")} ; last'
    assert ask(panel, "GET /api/v1/account", f"Host: 127.0.0.1:{panel.port}", beside) == 200


async def test_no_half_of_a_token_is_in_the_log(caplog: pytest.LogCaptureFixture):
    async def nothing(*_: Any) -> None: ...

    border = Border(nothing, OwnOrigins(["127.0.0.1"], 8000, tls=False), Proxies(), "sp_0123abcd")
    long = "x/" * 90 + TOKEN.decode()
    headers = [(b"host", long.encode())]
    await border({"type": "http", "method": "GET", "path": f"/{long}", "headers": headers}, nothing, nothing)
    assert (caplog.text.count("sp_[redacted]"), leaks(caplog.text.encode())) == (2, [])


def test_somebody_signed_out_gets_no_websocket(panel: Panel):
    assert upgrade(panel, f"Origin: http://127.0.0.1:{panel.port}") == 403


def test_a_websocket_to_nowhere_is_refused_without_a_trace(panel: Panel, cookie: str):
    text = f"GET /ws/nothing/ HTTP/1.1\r\nHost: 127.0.0.1:{panel.port}\r\n{cookie}\r\n"
    text += f"Origin: http://127.0.0.1:{panel.port}\r\n{UPGRADE}\r\n"
    assert raw(panel.host, panel.port, text.encode())[0] == 403


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "http://127.0.0.1:{other}", "https://127.0.0.1:{port}"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_foreign_page_cannot_change_anything(panel: Panel, cookie: str, method: str, origin: str):
    headers = (f"Host: 127.0.0.1:{panel.port}", cookie, f"Origin: {filled(panel, origin)}", "Content-Length: 0")
    assert ask(panel, f"{method} /api/v1/servers", *headers) == 403


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 302), ("none", 302), ("same-site", 403), ("cross-site", 403)]
)
def test_where_a_browser_names_no_origin_its_fetch_metadata_count(panel: Panel, site: str, status: int):
    headers = (f"Host: 127.0.0.1:{panel.port}", f"Sec-Fetch-Site: {site}", "Content-Length: 0")
    assert ask(panel, "POST /servers/", *headers) == status


@pytest.mark.parametrize(
    ("request_line", "host", "code"),
    [("GET /healthz", "evil.example", b"SP-1007 "), ("POST /login/", "127.0.0.1:{port}", b"SP-1008 ")],
)
def test_a_refusal_tells_its_code(panel: Panel, request_line: str, host: str, code: bytes):
    head = f"{request_line} HTTP/1.1\r\nHost: {filled(panel, host)}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n"
    with socket.create_connection((panel.host, panel.port), timeout=10) as client, client.makefile("rb") as answer:
        client.sendall(head.encode())
        while answer.readline() not in (b"\r\n", b""):
            pass
        assert answer.read(8) == code


def test_a_client_cannot_choose_the_root_path(panel: Panel):
    request = f"GET /servers/ HTTP/1.1\r\nHost: 127.0.0.1:{panel.port}\r\nDaphne-Root-Path: /evil\r\n\r\n"
    _, said = raw(panel.host, panel.port, request.encode())
    assert b"location: /login/?next=/servers/\r\n" in said.lower()


def test_the_refusals_left_no_traceback(panel: Panel):
    assert ask(panel, "GET /healthz", "Host: evil.example") == 400
    assert "Traceback" not in panel.log()
    assert "evil.example" in panel.log()
