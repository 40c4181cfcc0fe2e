"""What a browser is told it may do stands on every answer, whoever gives it."""

import http.client
import re
from io import BytesIO

import pytest

from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Answer, raw

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SIGNED_OUT = [
    ("/login/", 200),
    ("/setup", 409),
    ("/healthz", 200),
    ("/", 302),
    ("/servers/", 302),
    ("/static/no-such-file.css", 404),
    ("/api/v1/node", 401),
]
SIGNED_IN = [
    ("/servers/", 200),
    ("/no/such/page", 404),
    ("/admin/", 200),
    ("/api/v1/node", 200),
    ("/api/v1/nothing", 404),
]


def assert_guarded(answer: Answer) -> None:
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
    assert "Server" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(("path", "status"), SIGNED_OUT)
def test_headers_stand_on_every_answer_to_somebody_signed_out(panel: Panel, path: str, status: int):
    answer = panel.visitor().get(path)
    assert answer.status == status
    assert_guarded(answer)
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(("path", "status"), SIGNED_IN)
def test_headers_stand_on_every_answer_to_somebody_signed_in(panel: Panel, path: str, status: int):
    answer = panel.login().get(path)
    assert answer.status == status
    assert_guarded(answer)
    assert "no-store" in answer.headers["Cache-Control"]


def test_headers_stand_on_the_borders_refusals_too(panel: Panel):
    answer = panel.visitor().get("/healthz", Host="evil.example")
    assert answer.status == 400
    assert_guarded(answer)
    assert answer.headers["Cache-Control"] == "no-store"


UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("G@T / HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\nHost: {host}\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("GET /?\xff HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET /\xff HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9999999\r\n\r\n", 413),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        ("GET /ws/panel/ HTTP/1.1\r\nHost: {host}\r\n" + UPGRADE + "\r\n", 403),
        ("GET /ws/panel/ HTTP/1.1\r\nHost: {host}\r\n" + UPGRADE.replace("13", "99") + "\r\n", 400),
        ("GET /ws/panel/ HTTP/1.1\r\nHost: {host}\r\nOrigin: http://[::1\r\n" + UPGRADE + "\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: {host}\r\nX-Long: " + "a" * 60_000 + "\r\n\r\n", 431),
    ],
)
def test_headers_stand_on_answers_that_no_page_gave(panel: Panel, request_text: str, status: int):
    text = request_text.format(host=f"{panel.host}:{panel.port}")
    found, said = raw(panel.host, panel.port, text.encode("latin-1"))
    head, _, _ = said.partition(b"\r\n\r\n")
    headers = http.client.parse_headers(BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n"))
    assert found == status
    assert_guarded(Answer(found, headers, b""))
    assert headers["Cache-Control"] == "no-store"


def test_static_files_may_be_kept(panel: Panel):
    page = panel.visitor().get("/login/").text
    path = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert path
    answer = panel.visitor().get(path[1])
    assert answer.status == 200
    assert_guarded(answer)
    assert "no-store" not in answer.headers["Cache-Control"]
    assert not {"ETag", "Last-Modified"} & set(answer.headers)  # its name tells its version


def test_inline_script_carries_the_nonce_of_its_own_page(panel: Panel):
    answers = [panel.visitor().get("/login/") for _ in range(2)]
    nonces = [re.findall(r'nonce="([^"]+)"', answer.text) for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, found in zip(answers, nonces, strict=True):
        assert found
        assert all(f"script-src 'self' 'nonce-{nonce}'" in answer.headers["Content-Security-Policy"] for nonce in found)


@pytest.mark.parametrize(("path", "trusted"), [("/servers/", True), ("/no/such/page", True), ("/admin/", False)])
def test_text_becomes_markup_nowhere_but_in_djangos_admin(panel: Panel, path: str, trusted: bool):
    said = panel.login().get(path).headers["Content-Security-Policy"]
    assert ("require-trusted-types-for 'script'" in said) is trusted
