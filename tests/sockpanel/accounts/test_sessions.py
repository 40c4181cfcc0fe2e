"""A session ends 24 hours after the sign-in, and 12 hours after the last sign of life."""

import time
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from sockpanel.accounts import sessions
from sockpanel.accounts.models import Session, User
from tests.conftest import PASSWORD
from tests.sources import sources

HOUR = 3600


@pytest.fixture
def signed_in(client: Client, ada: User) -> Client:
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    return client


def seen(client: Client, hours_ago: float) -> None:
    """As if the last sign of life were so long ago."""
    session = client.session
    session["seen_at"] = int(time.time() - hours_ago * HOUR)
    session.save()


def is_in(client: Client) -> bool:
    return client.get("/api/v1/presets").status_code == 200


def test_a_session_ends_a_day_after_the_sign_in_whatever_happens_in_between(signed_in: Client):
    seen(signed_in, 1)
    assert is_in(signed_in)
    left = Session.objects.get().expire_date - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


@pytest.mark.parametrize(("hours", "lives"), [(11.99, True), (12.01, False)])
def test_a_session_ends_twelve_hours_after_the_last_sign_of_life(signed_in: Client, hours: float, lives: bool):
    seen(signed_in, hours)
    assert is_in(signed_in) is lives
    assert is_in(signed_in) is lives


def test_a_sign_of_life_is_written_every_five_minutes_and_not_more_often(signed_in: Client):
    for minutes, written in ((4, False), (6, True)):
        seen(signed_in, minutes / 60)
        is_in(signed_in)
        silent = time.time() - signed_in.session["seen_at"]
        assert (silent < 10) is written


def test_a_session_without_a_sign_of_life_is_none(signed_in: Client):
    session = signed_in.session
    del session["seen_at"]
    assert not sessions.lives(session)


def test_the_database_holds_no_key_that_lets_anybody_in(signed_in: Client):
    key = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    for column in ("session_key", "session_data"):
        assert key not in str(Session.objects.values_list(column, flat=True).get())
    assert Session.objects.get().pk == sessions.digest(key)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().pk
    assert not is_in(thief)


def test_a_session_says_whose_it_is_from_where_and_since_when(client: Client, ada: User):
    words = {"username": "ada", "password": PASSWORD}
    client.post("/login/", words, REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "Browser/1 " + "x" * 300})
    row = ada.sessions.get()
    assert (row.address, row.browser[:10], len(row.browser)) == ("192.0.2.7", "Browser/1 ", 200)
    assert row.begun_at == row.seen_at
    assert timezone.now() - row.begun_at < timedelta(minutes=1)


def test_sessions_go_with_their_person(signed_in: Client, ada: User):
    User.objects.all().delete()
    assert not Session.objects.exists()
    assert not is_in(signed_in)


async def test_asynchronous_views_keep_the_same_sessions(transactional_db: None):
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    await store.aset("a", 1)
    await store.asave()
    again = import_module(settings.SESSION_ENGINE).SessionStore(store.session_key)
    assert await again.aget("a") == 1
    assert await again.aexists(store.session_key)
    await again.adelete()
    assert not await again.aexists(store.session_key)
    assert await import_module(settings.SESSION_ENGINE).SessionStore(store.session_key).aload() == {}


def test_nothing_of_ours_uses_the_table_that_django_would_keep_sessions_in():
    assert not any("django.contrib.sessions.models" in source.text for source in sources("sockpanel", "services"))


@pytest.mark.django_db(databases=["default", "messages"])
def test_with_another_role_a_session_has_another_key_and_another_secret_and_goes_on(signed_in: Client, ada: User):
    signed_in.get("/servers/")
    before = dict(signed_in.session), signed_in.session.session_key
    signed_in.get("/servers/")
    assert signed_in.session.session_key == before[1]
    User.objects.update(role=User.Role.VIEWER)
    assert is_in(signed_in)
    assert signed_in.session.session_key != before[1]
    assert not Session.objects.filter(pk=sessions.digest(before[1])).exists()
    assert signed_in.get("/servers/").status_code == 200
    assert signed_in.session["_csrftoken"] != before[0]["_csrftoken"]
