"""What belongs to somebody else cannot be had by its number: every form and route with one is asked for others' things."""

from typing import Any

import pytest
from django.test import Client

from services.models import Command
from sockpanel.accounts.models import Session, Token, User

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def theirs(ada: User) -> Any:
    """An admin's session and token."""
    signed_in(ada)
    Token.issue(ada, "backup")
    return Session.objects.get(user=ada), Token.objects.get(user=ada)


def test_nobody_ends_anothers_session_or_revokes_anothers_token(otto: User, theirs: Any) -> None:
    session, token = theirs
    me = signed_in(otto)
    for words in ({"verb": "end", "session": session.pk}, {"verb": "revoke", "token": token.pk}):
        me.post("/account/", words)
    assert Session.objects.filter(pk=session.pk).exists()
    assert Token.objects.filter(pk=token.pk).exists()


def test_nobody_ends_or_revokes_anything_by_any_number_near(otto: User, theirs: Any) -> None:
    me = signed_in(otto)
    for number in (-1, 0, 2**63, "x", "%", "1 OR 1=1", *range(1, 30)):
        for words in ({"verb": "end", "session": number}, {"verb": "revoke", "token": number}):
            assert me.post("/account/", words).status_code < 500
    assert (Session.objects.count(), Token.objects.count()) == (2, 1)


def test_ones_own_page_shows_nothing_of_others(otto: User, theirs: Any) -> None:
    session, _ = theirs
    Token.objects.update(name="only-for-ada")
    page = signed_in(otto).get("/account/").content.decode()
    assert "only-for-ada" not in page
    assert session.pk not in page


@pytest.mark.parametrize("number", [1, 2, 0, 10**6, 2**63 - 1, 2**63, 10**30])
def test_a_viewer_finds_no_command_by_any_number(vera: User, number: int) -> None:
    Command.objects.create(pk=1, user="ada", server="lab", argv=["id"], line="id", state="done")
    me = signed_in(vera)
    assert me.get(f"/commands/{number}/").status_code == 403
    assert me.get(f"/api/v1/commands/{number}").status_code in (403, 404)
