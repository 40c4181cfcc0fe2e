"""Whoever is asked for the password reads what it is asked for."""

from typing import Any

import pytest
from django.test import Client

from services import operations, widening
from services.models import Server
from services.servers.spec import Limits
from sockpanel.accounts import confirming, wording
from sockpanel.accounts.models import User
from sockpanel.accounts.permissions import DEEDS
from sockpanel.pages import account, certificates, users

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
KEYS = dict.fromkeys(("create", "change"), "keys.change")
PAGES: list[dict[str, str]] = [users.VERBS, account.VERBS, dict.fromkeys(certificates._DOES, "tls.change"), KEYS]


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


def asked(answer: Any) -> str:
    """What stands on the page that asks."""
    text = answer.content.decode()
    assert (answer.status_code, confirming.FIELD in text) == (403, True)
    return str(text.partition("<strong>")[2].partition("</strong>")[0])


def test_every_deed_that_asks_has_its_words_and_so_has_every_verb_of_a_page():
    assert set(wording.WORDS) == {deed for deed, about in DEEDS.items() if about.confirm}
    told = {(verb, deed) for deed, verbs in wording.VERBS.items() for verb in verbs}
    assert told == {(verb, deed) for verbs in PAGES for verb, deed in verbs.items() if DEEDS[deed].confirm}


def test_every_field_that_lets_more_in_has_its_words():
    fields = ["host", "framing.max_bytes", *(f"limits.{field}" for field in Limits.__struct_fields__), "tls.mode"]
    said = [wording.widening([field], {"host": "::"}, "lab") for field in fields]
    assert all("the server lab" in one for one in said)
    assert all(field.partition(".")[2] in one or "frames" in one for field, one in zip(fields, said, strict=True))


def test_who_opens_a_server_to_others_reads_that(stale: Client, lab: Server):
    form = {
        "kind": "tcp",
        "transport": "tcp",
        "name": "lab",
        "host": "0.0.0.0",
        "port": "9000",
        "limits.connections": "5000",
    }
    said = "let other machines reach the server lab at 0.0.0.0 and raise limits of the server lab (connections)"
    assert asked(stale.post("/servers/lab/settings/", form)) == said
    words = {"host": "0.0.0.0", "limits": {"connections": 5000}}
    told = stale.patch("/api/v1/servers/lab", words, "application/json").json()
    assert told["detail"] == f"This needs your password again, for you are about to {said}."


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"verb": "invite", "role": "admin"}, "let somebody in who becomes admin"),
        ({"verb": "role", "name": "otto", "role": "admin"}, "give otto the role admin"),
        ({"verb": "disable", "name": "<b>{otto}\u202e"}, "let &lt;b&gt;{otto}"),
        ({"verb": "disable", "name": "x" * 500}, f"let {'x' * 64} in no more"),
        ({"verb": "disable"}, "let ? in no more"),
        ({"verb": "else"}, "change who may do what in this panel"),
    ],
)
def test_who_changes_people_reads_whom_and_how(stale: Client, otto: User, fields: dict[str, str], said: str):
    answer = asked(stale.post("/users/", fields))
    assert answer.startswith(said)
    assert "\u202e" not in answer


def test_a_wrong_password_does_not_take_the_words_away(stale: Client, otto: User):
    fields = {"verb": "role", "name": "otto", "role": "admin", confirming.FIELD: "wrong"}
    assert asked(stale.post("/users/", fields)) == "give otto the role admin"


def test_djangos_admin_says_it_too(stale: Client, otto: User):
    assert asked(stale.post(f"/admin/accounts/user/{otto.pk}/change/", {})) == "change who may do what in this panel"


def test_script_that_asks_for_a_deed_reads_it(stale: Client, otto: User):
    told = stale.patch("/api/v1/users/otto", {"role": "admin"}, "application/json").json()
    assert told["detail"].endswith("you are about to change who may do what in this panel.")


def test_widening_knows_no_field_without_words():
    assert {field.partition(".")[0] for field in wording.WIDER} == set(widening.FRESH)
