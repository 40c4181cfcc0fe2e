"""A session or a token that came to a server is over, and whoever it was learns why."""

import hashlib

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client

from services.models import AuditEntry
from services.servers.report import Exposed
from sockpanel.accounts import ending
from sockpanel.accounts.models import Session, Token, User
from sockpanel.accounts.sessions import digest
from tests.conftest import PASSWORD
from tests.written import first_entry_is_behind, tables_written

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
AT = "the server lab (127.0.0.1:9000)"


def came(kind: str, secret: str) -> list[str]:
    """What is ended when this comes to a server."""
    digest = hashlib.sha256(secret.encode()).digest()
    return ending.end([Exposed(1, kind, digest, 7, "127.0.0.1:5000")], AT, None)  # type: ignore[arg-type]


@pytest.fixture
def key(client: Client, ada: User) -> str:
    """Of ada's session."""
    client.post("/login/", {"username": "ada", "password": PASSWORD})
    return str(client.session.session_key)


def test_a_session_whose_key_came_to_a_server_is_over(client: Client, key: str):
    assert came("session", key) == [
        "A browser at 127.0.0.1:5000 sent the key of the session of ada here: the session has ended."
    ]
    assert not Session.objects.filter(pk=digest(key)).exists()
    assert client.get("/servers/").headers["Location"] == "/login/?next=/servers/"


def test_the_sign_in_page_says_why_until_somebody_signs_in(client: Client, key: str):
    came("session", key)
    for _ in range(2):
        assert AT in client.get("/servers/", follow=True).content.decode()
    client.post("/login/", {"username": "ada", "password": PASSWORD})
    client.post("/logout/")
    assert AT not in client.get("/login/").content.decode()


def test_so_it_does_for_who_goes_there_directly(client: Client, key: str):
    came("session", key)
    assert AT in client.get("/login/").content.decode()


def test_whatever_tab_asks_first_and_whatever_the_browser_hands_over_next(client: Client, key: str):
    came("session", key)
    for _ in range(3):
        assert AT in client.get("/login/").content.decode()
        came("session", client.cookies[settings.SESSION_COOKIE_NAME].value)  # the tab at the server asks there again
    assert AT in client.get("/servers/", follow=True).content.decode()
    client.post("/login/", {"username": "ada", "password": PASSWORD})
    client.post("/logout/")
    assert AT not in client.get("/login/").content.decode()


def test_a_script_with_the_old_cookie_is_told_too(client: Client, key: str):
    came("session", key)
    answer = client.get("/api/v1/servers")
    assert (answer.status_code, answer.json()["code"]) == (401, "SP-1006")
    assert AT in answer.json()["detail"]


def test_nobody_else_is_told_anything(client: Client, key: str):
    came("session", key)
    other = Client()
    other.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    assert AT not in other.get("/login/").content.decode()
    assert AT not in Client().get("/login/").content.decode()


def test_a_request_under_way_does_not_bring_the_session_back(client: Client, key: str):
    session = client.session
    session["seen_at"] += 1
    came("session", key)
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.filter(pk=digest(key)).exists()


def test_a_token_that_came_to_a_server_is_revoked(client: Client, ada: User):
    token = Token.issue(ada, "backups")
    assert came("token", token) == ["127.0.0.1:5000 sent the token backups of ada here: the token is revoked."]
    assert client.get("/api/v1/servers", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert not Token.objects.exists()


def test_each_end_stands_in_the_audit_and_no_key_does(client: Client, key: str, ada: User):
    token = Token.issue(ada, "backups")
    came("session", key)
    came("token", token)
    entries = AuditEntry.objects.filter(verb__endswith=".exposed").order_by("number")
    assert [(entry.verb, entry.who) for entry in entries] == [("session.exposed", "ada"), ("token.exposed", "ada")]
    assert all(AT in entry.what and "127.0.0.1:5000" in entry.what for entry in entries)
    assert not any(secret in repr(vars(entry)) for entry in entries for secret in (key, token))


def test_all_of_them_end_before_the_first_is_told_so_that_nobody_waits_for_us_in_a_circle(key: str, ada: User):
    came = [
        Exposed(1, kind, hashlib.sha256(secret.encode()).digest(), 7, "127.0.0.1:5000")  # type: ignore[arg-type]
        for kind, secret in (("session", key), ("token", Token.issue(ada, "one")), ("token", Token.issue(ada, "two")))
    ]
    with tables_written() as tables:
        assert len(ending.end(came, AT, None)) == 3
    assert first_entry_is_behind(tables, "accounts_session", "accounts_token")


def test_what_somebody_made_up_ends_nothing(client: Client, key: str):
    assert came("session", "a" * 32) == came("token", "sp_" + "7" * 43) == []
    assert client.get("/servers/").status_code == 200
    assert not AuditEntry.objects.filter(verb__endswith=".exposed").exists()


def test_a_key_that_comes_again_is_not_told_of_again(client: Client, key: str):
    assert came("session", key) != []
    assert came("session", key) == []


def test_what_a_command_wrote_is_told_as_that(client: Client, key: str, ada: User):
    token = Token.issue(ada, "backups")
    came = [
        Exposed(1, kind, hashlib.sha256(secret.encode()).digest(), 0, "otto", is_output=True)  # type: ignore[arg-type]
        for kind, secret in (("session", key), ("token", token))
    ]
    assert ending.end(came, "lab (command 7)", None) == [
        "A command of otto wrote the key of the session of ada here: the session has ended.",
        "A command of otto wrote the token backups of ada here: the token is revoked.",
    ]
    entry = AuditEntry.objects.get(verb="token.exposed")
    assert entry.what == "token backups written by a command of otto at lab (command 7)"
    assert "its key stood in what a command wrote at lab (command 7)" in client.get("/login/").content.decode()
