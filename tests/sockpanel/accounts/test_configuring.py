"""Whoever lets more in at a server is asked for the password again: pages, API and Django's admin alike. A token is not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services import operations
from services.models import AuditEntry, Server
from sockpanel.accounts.models import Token, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
JSON = "application/json"
ASKED = (403, "SP-1011")


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
    return operations.create({"preset": "echo", "name": "lab"}, "ada")


def patch(client: Client, **words: Any) -> tuple[int, str]:
    answer = client.patch("/api/v1/servers/lab", words, JSON)
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize(
    "words", [{"limits": {"connections": 5000}}, {"host": "0.0.0.0"}, {"limits": {"trusted": ["10.0.0.0/8"]}}]
)
def test_raising_a_limit_or_leaving_loopback_needs_the_password(stale: Client, lab: Server, words: dict[str, Any]):
    assert patch(stale, **words) == ASKED
    assert stale.post("/api/v1/confirm", {"password": PASSWORD}, JSON).status_code == 204
    assert patch(stale, **words) == (200, "")


@pytest.mark.parametrize("words", [{"limits": {"connections": 5}}, {"notes": "quiet"}, {"host": "127.0.0.2"}])
def test_other_changes_do_not(stale: Client, lab: Server, words: dict[str, Any]):
    assert patch(stale, **words) == (200, "")


def test_a_new_server_needs_it_where_it_lets_more_in_than_usual(stale: Client):
    words = {"preset": "echo", "name": "lab"}
    for more in ({"host": "::"}, {"limits": {"connections": 5000}}):
        assert stale.post("/api/v1/servers", {**words, **more}, JSON).json()["code"] == "SP-1011"
    assert stale.post("/api/v1/servers", words, JSON).status_code == 201


def test_a_return_to_what_let_more_in_needs_it_too(stale: Client, lab: Server):
    wide = operations.change(lab, {"limits": {"connections": 5000}}, "ada")
    entry = AuditEntry.objects.order_by("-number")[0].number
    operations.change(wide, {"limits": {"connections": 5}}, "ada")
    answer = stale.post("/api/v1/servers/lab/restore", {"entry": entry}, JSON)
    assert (answer.status_code, answer.json()["code"]) == ASKED
    assert b"Your password, please" in stale.post("/servers/lab/history/", {"verb": "restore", "entry": entry}).content
    assert Server.objects.get().limits["connections"] == 5


def form(**words: str) -> dict[str, str]:
    return {"kind": "tcp", "transport": "tcp", "name": "lab", "host": "127.0.0.1", "port": "9000", **words}


def new(client: Client) -> Any:
    return client.post("/servers/new/", form(host="0.0.0.0", name="other"))


def save(client: Client) -> Any:
    return client.post("/servers/lab/settings/", form(**{"limits.connections": "5000"}))


def forgive(client: Client) -> Any:
    """The form takes away what it leaves out."""
    return client.post("/servers/lab/settings/", form())


def in_the_admin(client: Client) -> Any:
    return client.post(
        f"/admin/services/server/{Server.objects.get().pk}/change/", form(limits='{"connections": 5000}')
    )


@pytest.mark.parametrize(
    ("deed", "limits"), [(new, {}), (save, {}), (forgive, {"deny": ["192.0.2.0/24"]}), (in_the_admin, {})]
)
def test_forms_ask_in_between(stale: Client, lab: Server, deed: Callable[[Client], Any], limits: dict[str, Any]):
    Server.objects.update(limits=limits)
    before = list(Server.objects.values())
    answer = deed(stale)
    assert (answer.status_code, b"Your password, please" in answer.content) == (403, True)
    assert list(Server.objects.values()) == before


def test_a_token_is_not_asked(lab: Server, ada: User):
    script = Client(headers={"Authorization": f"Bearer {Token.issue(ada)}"})
    assert patch(script, limits={"connections": 5000}) == (200, "")


def test_words_that_make_no_sense_are_refused_as_ever(stale: Client, lab: Server):
    assert patch(stale, host="0.0.0.0", limits={"connections": -1})[0] == 422


def test_a_row_from_elsewhere_that_makes_no_sense_is_no_error(stale: Client, lab: Server):
    Server.objects.update(limits={"connections": "many"})
    assert patch(stale, limits={"connections": 5}) == ASKED
