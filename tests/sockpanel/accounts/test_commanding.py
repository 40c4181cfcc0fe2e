"""What makes or alters a server that runs commands, a key or an account is asked for the password again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services.models import Server
from sockpanel.accounts.models import Token, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
JSON = "application/json"


@pytest.fixture
def stale(client: Client, ada: User) -> Client:
    """Ada, who signed in an hour ago."""
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["confirmed_at"] -= 3600
    session.save()
    return client


@pytest.fixture
def lab(db: None) -> Server:
    return Server.objects.create(name="lab", kind="command", transport="tcp", host="127.0.0.1", port=9000)


def create(client: Client) -> Any:
    return client.post("/servers/new/", {"preset": "command"})


def create_by_form(client: Client) -> Any:
    return client.post("/servers/new/", {"kind": "command", "name": "x"})


def save(client: Client) -> Any:
    return client.post("/servers/lab/settings/", {"kind": "command", "name": "lab"})


def turn_into_another(client: Client) -> Any:
    return client.post("/servers/lab/settings/", {"kind": "tcp", "name": "lab"})


def register(client: Client) -> Any:
    return client.post("/commands/keys/", {"verb": "create", "how": "generate", "name": "laptop"})


def change_role(client: Client) -> Any:
    return client.post(f"/admin/accounts/user/{User.objects.get().pk}/change/", {"username": "ada", "role": "viewer"})


def add_somebody(client: Client) -> Any:
    return client.post("/admin/accounts/user/add/", {"username": "eve", "role": "admin"})


def change_in_the_admin(client: Client) -> Any:
    return client.post(f"/admin/services/server/{Server.objects.get().pk}/change/", {"name": "lab"})


def add_in_the_admin(client: Client) -> Any:
    return client.post("/admin/services/server/add/", {"name": "x", "kind": "command"})


@pytest.mark.parametrize(
    "ask",
    [
        create,
        create_by_form,
        save,
        turn_into_another,
        register,
        change_role,
        add_somebody,
        change_in_the_admin,
        add_in_the_admin,
    ],
)
def test_a_page_asks_for_the_password_and_does_nothing_yet(stale: Client, lab: Server, ask: Callable[[Client], Any]):
    answer = ask(stale)
    assert answer.status_code == 403
    assert b'name="confirming-password"' in answer.content
    assert (Server.objects.count(), User.objects.get().role) == (1, "admin")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/v1/servers", '{"preset": "command"}'),
        ("post", "/api/v1/servers", '{"kind": "command", "name": "x"}'),
        ("patch", "/api/v1/servers/lab", '{"notes": "x"}'),
        ("post", "/api/v1/keys", '{"name": "laptop"}'),
    ],
)
def test_a_route_says_that_it_needs_the_password(stale: Client, lab: Server, method: str, path: str, body: str):
    answer = getattr(stale, method)(path, body, JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "SP-1011")


def test_with_the_password_it_is_done(stale: Client, lab: Server):
    assert stale.post("/api/v1/confirm", {"password": PASSWORD}, JSON).status_code == 204
    assert stale.patch("/api/v1/servers/lab", {"notes": "seen to"}, JSON).status_code == 200


def test_a_token_is_not_asked(ada: User, lab: Server):
    headers = {"Authorization": f"Bearer {Token.issue(ada)}"}
    assert Client().patch("/api/v1/servers/lab", {"notes": "x"}, JSON, headers=headers).status_code == 200


@pytest.mark.parametrize("body", ['{"preset": "echo"}', '{"preset": 7}', '{"kind": []}', '{"kind": null}'])
def test_other_servers_need_none(stale: Client, body: str):
    assert stale.post("/api/v1/servers", body, JSON).status_code in (201, 422)


def test_revoking_a_key_is_done_at_once(stale: Client, lab: Server):
    assert stale.post("/api/v1/keys/laptop/revoke", "{}", JSON).json()["code"] != "SP-1011"
