"""An open socket follows the account: it does not outlive session, token, person or role."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from django.utils import timezone

from sockpanel.accounts import sessions
from sockpanel.accounts.models import Session, Token, User
from sockpanel.live import room
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at often."""
    monkeypatch.setattr(room, "CHECK_EVERY", 0.05)


@pytest.fixture
def signed_in(transactional_db: None) -> Client:
    """Otto, an operator, signed in in a browser."""
    client = Client()
    client.force_login(
        User.objects.create_user("otto", password="a good long password", role="operator"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def cookie(client: Client) -> str:
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def sign_out(client: Client) -> None:
    client.logout()


def change_password(client: Client) -> None:
    otto = User.objects.get(username="otto")
    otto.set_password("another long password")
    otto.save()


def disable(client: Client) -> None:
    User.objects.filter(username="otto").update(is_active=False)


def delete(client: Client) -> None:
    User.objects.filter(username="otto").delete()


def let_it_end(client: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def lower_role(client: Client) -> None:
    User.objects.filter(username="otto").update(role="viewer")


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (sign_out, 4401),
        (change_password, 4401),
        (disable, 4401),
        (delete, 4401),
        (let_it_end, 4401),
        (lower_role, 4403),
    ],
)
async def test_a_session_that_ends_closes_its_sockets(
    browse: Browse, signed_in: Client, happens: Callable[[Client], None], code: int
) -> None:
    browser = await browse("/ws/panel/", cookie=cookie(signed_in))
    await browser.next("snapshot")
    await sync_to_async(happens)(signed_in)
    assert await browser.closed() == code


def expire() -> None:
    Token.objects.update(expires_at=timezone.now())


@pytest.mark.parametrize("happens", [Token.objects.all().delete, expire, lambda: User.objects.update(is_active=False)])
async def test_a_token_that_ends_closes_its_sockets(browse: Browse, happens: Callable[[], object]) -> None:
    browser = await browse("/ws/panel/")
    await browser.next("snapshot")
    await sync_to_async(happens)()
    assert await browser.closed() == 4401


async def test_other_peoples_sockets_stay(browse: Browse, signed_in: Client) -> None:
    otto, vera = await browse("/ws/panel/", cookie=cookie(signed_in)), await browse("/ws/panel/")
    await sync_to_async(signed_in.logout)()
    assert await otto.closed() == 4401
    await vera.next("snapshot")
    assert await vera.silent()


async def test_an_open_page_is_a_sign_of_life(
    browse: Browse, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SEEN_EVERY", -1.0)
    browser = await browse("/ws/panel/", cookie=cookie(signed_in))
    await browser.next("snapshot")
    before = await sync_to_async(_forget_sign)(signed_in.cookies[settings.SESSION_COOKIE_NAME].value)
    assert await eventually_async(sync_to_async(lambda: _sign() > before))


def _forget_sign(key: str) -> int:
    store = Session.get_session_store_class()(key)
    store["seen_at"] -= 600
    store.save()
    return int(store["seen_at"])


def _sign() -> int:
    return int(Session.objects.get().get_decoded()["seen_at"])
