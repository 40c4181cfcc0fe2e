"""What a browser is told it may do stands on every answer, whoever gives it."""

import re
from collections.abc import Iterable

import pytest

from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Answer

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


def assert_guarded(answer: Answer, names: Iterable[str] = EXPECTED) -> None:
    assert {name: answer.headers[name] for name in names} == {name: EXPECTED[name] for name in names}
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


def test_static_files_may_be_kept(panel: Panel):
    page = panel.visitor().get("/login/").text
    path = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert path
    answer = panel.visitor().get(path[1])
    assert answer.status == 200
    assert_guarded(answer, ("X-Content-Type-Options", "Cross-Origin-Resource-Policy"))
    assert "no-store" not in answer.headers["Cache-Control"]


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
