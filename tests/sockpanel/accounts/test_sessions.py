"""A session ends 24 hours after the sign-in, and 12 hours after the last sign of life."""

import time
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory
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


def secret(client: Client) -> str:
    """What the forms of the session carry."""
    client.get("/servers/")
    return str(client.session["_csrftoken"])


def key(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def role(name: str, to: str) -> User:
    user = User.objects.get(username=name)
    user.role = to
    user.save()
    return user


@pytest.fixture
def rising(client: Client, vera: User) -> Client:
    """Vera, signed in as a viewer, who is an admin now."""
    client.force_login(vera, "django.contrib.auth.backends.ModelBackend")
    client.get("/account/")
    role("vera", "admin")
    return client


@pytest.mark.django_db(databases=["default", "messages"])
def test_with_a_higher_role_a_session_has_another_key_and_another_secret_and_goes_on(rising: Client):
    before = key(rising), rising.session["_csrftoken"]
    assert is_in(rising)
    assert (key(rising) != before[0], secret(rising) != before[1]) == (True, True)
    assert not Session.objects.filter(pk=sessions.digest(before[0])).exists()
    again = key(rising)
    assert is_in(rising)
    assert key(rising) == again


@pytest.mark.django_db(databases=["default", "messages"])
def test_with_a_lower_role_it_has_another_secret_and_the_same_key(signed_in: Client):
    before = key(signed_in), secret(signed_in)
    role("ada", "viewer")
    assert is_in(signed_in)
    assert (key(signed_in), secret(signed_in) != before[1]) == (before[0], True)
    assert secret(signed_in) == secret(signed_in)


@pytest.mark.django_db(databases=["default", "messages"])
def test_a_write_that_is_the_first_request_in_another_role_does_not_bring_the_old_secret_back(ada: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    old = secret(client)
    role("ada", "operator")
    answer = client.post("/api/v1/servers/x/start", "{}", "application/json", headers={"X-CSRFToken": old})
    assert (answer.status_code, answer.json()["code"]) == (403, "SP-1010")
    assert client.session["_csrftoken"] != old


@pytest.mark.django_db(databases=["default", "messages"])
def test_a_tab_that_still_brings_the_old_key_signs_nobody_out(rising: Client):
    tab = Client()
    tab.cookies[settings.SESSION_COOKIE_NAME] = key(rising)
    assert is_in(rising)
    answer = tab.get("/servers/")
    assert (answer.status_code, settings.SESSION_COOKIE_NAME in answer.cookies) == (302, False)
    assert Session.objects.filter(user__username="vera").count() == 1


def requests(client: Client, count: int) -> list[HttpRequest]:
    """So many of the same browser at once: each knows the session as it was before the others."""
    made = []
    for _ in range(count):
        request = RequestFactory().get("/")
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(key(client))
        request.session.get("role")
        request.user = User.objects.get(pk=request.session["_auth_user_id"])
        made.append(request)
    return made


@pytest.mark.django_db(databases=["default", "messages"])
def test_of_several_requests_at_once_one_gets_the_new_key(rising: Client):
    assert [sessions.follow_role(request) for request in requests(rising, 3)] == [True, False, False]
    assert Session.objects.count() == 1


def test_of_several_requests_at_once_all_have_the_same_new_secret(signed_in: Client):
    role("ada", "operator")
    several = requests(signed_in, 3)
    assert all(sessions.follow_role(request) for request in several)
    assert len({request.session["_csrftoken"] for request in several}) == 1


def test_signing_out_takes_the_cookie_back(signed_in: Client):
    assert signed_in.post("/logout/").cookies[settings.SESSION_COOKIE_NAME].value == ""
