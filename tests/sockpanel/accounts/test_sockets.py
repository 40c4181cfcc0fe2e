"""Who stands behind a WebSocket: the session's person, or the token's; nobody gets none."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client

from sockpanel.accounts.models import Token, User
from sockpanel.accounts.sockets import SignedIn, identify
from tests.sockpanel.accounts.scopes import scope


@pytest.fixture
def cookie(client: Client, ada: User) -> str:
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"


def test_a_session_names_its_person(cookie: str, ada: User):
    assert identify(scope(cookie=cookie)) == ada


def test_a_token_names_its_person(otto: User):
    assert identify(scope(authorization=f"Bearer {Token.issue(otto)}")) == otto


@pytest.mark.parametrize("headers", [{}, {"cookie": "x=y"}, {"cookie": "\xff;;="}, {"authorization": "Bearer x"}])
def test_anything_else_names_nobody(db: None, headers: dict[str, str]):
    assert identify(scope(**headers)) is None


def test_a_session_names_nobody_once_it_ended(cookie: str, ada: User, client: Client):
    ada.is_active = False
    ada.save()
    assert identify(scope(cookie=cookie)) is None
    ada.is_active = True
    ada.save()
    client.session.flush()
    assert identify(scope(cookie=cookie)) is None


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
async def test_nobody_is_refused_and_somebody_goes_on_with_a_name():
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope["user"].username)

    eve = await User.objects.acreate(username="eve")
    token = await sync_to_async(Token.issue)(eve)
    await SignedIn(inner)(scope(), receive, send)
    await SignedIn(inner)(scope(authorization=f"Bearer {token}"), receive, send)
    assert told == ["websocket.close", "eve"]
