"""Each request says which way it came and from where; what was refused stands in the audit."""

from collections.abc import Callable

import pytest
from django.test import Client

from services.audit import entries, refusals
from services.models import AuditEntry
from sockpanel.accounts.models import Token, User

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was refused before."""
    monkeypatch.setattr(refusals, "_refusals", refusals.Refusals())


@pytest.fixture
def browser() -> Callable[[str, str], Client]:
    def make(name: str, role: str) -> Client:
        client = Client(raise_request_exception=False, REMOTE_ADDR="192.0.2.7")
        client.force_login(User.objects.create(username=name, role=role))
        return client

    return make


def rows() -> list[tuple[str, ...]]:
    return list(AuditEntry.objects.order_by("number").values_list("verb", "who", "way", "source", "server", "code"))


def test_what_a_page_does_is_told_with_the_address(browser: Callable[[str, str], Client]):
    assert browser("ada", "admin").post("/servers/new/", {"preset": "echo"}).status_code == 302
    assert ("server.create", "ada", "page", "192.0.2.7", "echo", "") in rows()


def test_what_a_token_does_came_by_the_api():
    headers = {"Authorization": f"Bearer {Token.issue(User.objects.create(username='ada', role='admin'))}"}
    answer = Client(headers=headers).post("/api/v1/servers", {"preset": "echo"}, "application/json")
    assert answer.status_code == 201, answer.content
    assert [row[:4] for row in rows() if row[0] == "server.create"] == [("server.create", "ada", "api", "127.0.0.1")]


@pytest.mark.parametrize(("path", "code"), [("/invite/", "SP-1014"), ("/setup", "SP-1003")])
def test_a_wrong_link_of_a_stranger_is_told_without_the_token(path: str, code: str):
    if path == "/invite/":
        User.objects.create(username="ada", role="admin")
    words = {"token": "guessed-token", "username": "eve", "password": "a long new password"}
    assert Client(REMOTE_ADDR="192.0.2.7").post(path, words).status_code == 403
    assert rows() == [("refused", "", "page", "192.0.2.7", "", code)]
    entry = AuditEntry.objects.get()
    assert entry.what.startswith(f"POST {path}: The link is wrong")
    assert "guessed" not in entry.what + entry.details


@pytest.mark.parametrize(
    ("method", "path", "way"),
    [("GET", "/commands/keys/", "page"), ("GET", "/api/v1/keys", "api"), ("GET", "/admin/login/", "admin")],
)
def test_a_refusal_is_told_with_its_code(browser: Callable[[str, str], Client], method: str, path: str, way: str):
    client = browser("vera", "viewer")
    assert [client.generic(method, path).status_code for _ in range(3)] == [403] * 3
    refused = [row for row in rows() if row[0] == "refused"]
    assert refused == [("refused", "vera", way, "192.0.2.7", "", "SP-1005")]
    entry = AuditEntry.objects.get(verb="refused")
    assert entry.what.startswith(f"{method} {path}: ")


def test_the_server_that_a_refusal_is_about_is_named(browser: Callable[[str, str], Client]):
    browser("ada", "admin").post("/servers/new/", {"preset": "echo"})
    assert browser("vera", "viewer").post("/servers/echo/", {"verb": "start"}).status_code == 403
    assert rows()[-1] == ("refused", "vera", "page", "192.0.2.7", "echo", "SP-1005")


def test_what_was_allowed_is_no_refusal(browser: Callable[[str, str], Client]):
    assert browser("vera", "viewer").get("/servers/").status_code == 200
    assert [row for row in rows() if row[0] == "refused"] == []


def test_what_a_token_does_or_is_refused_names_it_and_what_a_person_does_names_none(
    browser: Callable[[str, str], Client],
):
    ada = User.objects.create(username="eve", role="admin")
    secret = Token.issue(ada, "nightly test", scope="operator")
    script = Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)
    used = {"id": ada.tokens.get().pk, "name": "nightly test"}
    assert browser("ada", "admin").post("/servers/new/", {"preset": "echo"}).status_code == 302
    assert script.post("/api/v1/servers/echo/stop", {}, "application/json").status_code in (200, 202)
    assert script.post("/api/v1/servers", {"preset": "echo"}, "application/json").status_code == 403
    told = {entry.verb: entries.told(entry)["token"] for entry in AuditEntry.objects.all()}
    assert (told["server.create"], told["server.stop"], told["refused"]) == (None, used, used)
    assert secret not in repr(list(AuditEntry.objects.values()))
    page = browser("pia", "admin").get("/activity/").content.decode()
    assert "with the token nightly test" in page


def test_a_refusal_to_another_token_is_another_one(browser: Callable[[str, str], Client]):
    eve = User.objects.create(username="eve", role="admin")
    for name in ("one", "two"):
        headers = {"Authorization": f"Bearer {Token.issue(eve, name, scope='viewer')}"}
        Client(headers=headers).post("/api/v1/servers", {"preset": "echo"}, "application/json")
    refused = AuditEntry.objects.filter(verb="refused").order_by("number")
    assert [entries.told(entry)["token"]["name"] for entry in refused] == ["one", "two"]
