"""Guards by role, and tokens."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, QueryDict
from django.test import Client
from django.utils import timezone

from services.errors import NotAllowed, RequestRefused, SignInNeeded
from sockpanel.accounts import access
from sockpanel.accounts.models import Token, User
from sockpanel.accounts.permissions import DEEDS
from sockpanel.accounts.sockets import opens
from sockpanel.api.access import Allowed


@access.require("servers.start")
def view(request: HttpRequest, name: str) -> str:
    return f"{name} started"


@access.require("servers.start")
async def asynchronous_view(request: HttpRequest) -> str:
    return "started"


def request(user: Any) -> HttpRequest:
    async def auser() -> Any:
        return user

    asked = HttpRequest()
    asked.user, asked.auser = user, auser
    return asked


def test_who_may_gets_through():
    assert view(request(User(role="operator")), "echo") == "echo started"
    assert view(request(User(role="admin")), name="echo") == "echo started"


def test_who_may_not_is_told_which_role_it_needs():
    with pytest.raises(NotAllowed, match="needs the role operator and yours is viewer"):
        view(request(User(role="viewer")), "echo")


def test_what_is_in_no_table_is_not_even_loaded():
    for guard in (access.require, opens, Allowed):
        with pytest.raises(KeyError):
            guard("servers.explode")
    with pytest.raises(KeyError):
        access.require("servers.see", verbs={"explode": "servers.explode"})


def test_nobody_has_to_sign_in():
    with pytest.raises(SignInNeeded):
        view(request(AnonymousUser()), "echo")


async def test_asynchronous_views_are_guarded_too():
    assert await asynchronous_view(request(User(role="admin"))) == "started"
    with pytest.raises(NotAllowed):
        await asynchronous_view(request(User(role="viewer")))


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("", None), ("Bearer", "")],
)
def test_a_token_stands_behind_the_word_bearer(header: str, token: str | None):
    assert access.token_of(header) == token


def test_a_token_names_its_user_and_a_wrong_one_nobody(ada: User):
    token = Token.issue(ada)
    assert access.user_of_token(token) == ada
    assert access.user_of_token(token + "x") is None


def test_the_token_of_somebody_inactive_names_nobody(ada: User):
    token = Token.issue(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert access.user_of_token(token) is None


def test_a_token_that_has_expired_names_nobody(ada: User):
    token = Token.issue(ada, lasts=timedelta(minutes=1))
    assert access.user_of_token(token) == ada
    Token.objects.update(expires_at=timezone.now())
    assert access.user_of_token(token) is None


@pytest.mark.parametrize(
    ("role", "scope", "counts"),
    [("admin", "viewer", "viewer"), ("viewer", "admin", "viewer"), ("operator", "operator", "operator")],
)
def test_of_role_and_scope_the_lower_counts(ada: User, role: str, scope: str, counts: str):
    token = Token.issue(ada, scope=scope)
    User.objects.update(role=role)
    user = access.user_of_token(token)
    assert user.rank == counts
    assert [each for each in User.Role if user.may(each)] == list(User.Role)[: list(User.Role).index(counts) + 1]


def test_who_has_the_role_and_not_the_scope_is_told_so(ada: User):
    user = access.user_of_token(Token.issue(ada, scope="viewer"))
    with pytest.raises(NotAllowed, match="needs the role operator and the token's scope is viewer"):
        view(request(user), "echo")


@pytest.mark.parametrize("deed", [name for name, deed in DEEDS.items() if deed.in_person])
def test_what_is_done_in_person_no_token_does(ada: User, deed: str):
    assert access.may(ada, deed)
    script = access.user_of_token(Token.issue(ada))
    assert not access.may(script, deed)
    with pytest.raises(NotAllowed, match="not done by a token"):
        access.allowed(script, deed)


def test_a_token_makes_no_other_token_and_ends_no_session(ada: User):
    script = Client(headers={"Authorization": f"Bearer {Token.issue(ada)}"})
    for verb in ("token", "end-all", "revoke", "password", "looks"):
        answer = script.post("/account/", {"verb": verb, "name": "x", "scope": "admin", "days": "0", "token": "1"})
        assert (answer.status_code, b"not done by a token" in answer.content) == (403, True)
    assert Token.objects.count() == 1


def test_a_verb_is_a_deed_of_its_own():
    @access.require("servers.see", verbs={"start": "servers.start", "delete": "servers.delete"})
    def acting(request: HttpRequest) -> str:
        return "done"

    def posted(role: str, verb: str) -> HttpRequest:
        asked = request(User(role=role))
        asked.method = "POST"
        asked.POST = QueryDict(f"verb={verb}")
        return asked

    assert acting(posted("operator", "start")) == "done"
    with pytest.raises(NotAllowed, match="admin"):
        acting(posted("operator", "delete"))
    with pytest.raises(RequestRefused, match="nothing that can be done"):
        acting(posted("admin", "explode"))
    assert acting.guard.deeds == {"servers.see", "servers.start", "servers.delete"}


def test_the_last_use_is_written_at_most_once_a_minute(ada: User):
    token, row = Token.issue(ada), Token.objects.get()
    now = timezone.now()
    for before, written in ((timedelta(seconds=50), False), (timedelta(seconds=70), True)):
        Token.objects.update(used_at=now - before)
        access.user_of_token(token)
        row.refresh_from_db()
        assert (row.used_at != now - before) is written
