"""Guards by role, and tokens."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone

from services.errors import NotAllowed, SignInNeeded
from sockpanel.accounts import access
from sockpanel.accounts.models import Token, User


@access.require("operator")
def view(request: HttpRequest, name: str) -> str:
    return f"{name} started"


@access.require("operator")
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


def test_the_last_use_is_written_at_most_once_a_minute(ada: User):
    token, row = Token.issue(ada), Token.objects.get()
    now = timezone.now()
    for before, written in ((timedelta(seconds=50), False), (timedelta(seconds=70), True)):
        Token.objects.update(used_at=now - before)
        access.user_of_token(token)
        row.refresh_from_db()
        assert (row.used_at != now - before) is written
