"""Forms carry a secret; of a stranger's nothing is kept in the database."""

import re

import pytest
from django.conf import settings
from django.middleware.csrf import CsrfViewMiddleware
from django.test import Client
from django.utils.module_loading import import_string

from sockpanel.accounts.csrf import Csrf
from sockpanel.accounts.models import Session, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


@pytest.fixture
def stranger(ada: User) -> Client:
    return Client(enforce_csrf_checks=True)


def secret_in(page: bytes) -> str:
    found = re.search(rb'name="(?:csrfmiddlewaretoken|csrf-token)" (?:value|content)="(\w+)"', page)
    assert found
    return found[1].decode()


def sign_in(client: Client, secret: str):
    return client.post("/login/", {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": secret})


def test_strangers_who_open_the_sign_in_page_leave_nothing_in_the_database(stranger: Client):
    for _ in range(3):
        stranger.get("/login/")
        stranger.get("/servers/")
        stranger.cookies.clear()
    assert not Session.objects.exists()


def test_the_sign_in_takes_the_secret_of_its_own_page_alone(stranger: Client):
    secret = secret_in(stranger.get("/login/").content)
    other = secret_in(Client().get("/login/").content)
    assert sign_in(stranger, other).status_code == 403
    assert sign_in(stranger, "").status_code == 403
    assert sign_in(stranger, secret).status_code == 302


@pytest.mark.parametrize("cookie", ["", "a", "a" * 33, "ä" * 32, "<" * 32, "a" * 64])
def test_a_cookie_that_is_none_of_ours_is_replaced(stranger: Client, cookie: str):
    stranger.cookies[settings.CSRF_COOKIE_NAME] = cookie
    secret = secret_in(stranger.get("/login/").content)
    assert sign_in(stranger, secret).status_code == 302


def test_the_cookie_is_out_of_reach_of_script_and_of_other_sites(stranger: Client):
    stranger.get("/login/")
    cookie = stranger.cookies[settings.CSRF_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")


def test_who_is_signed_in_has_another_secret_and_keeps_it_in_the_session(stranger: Client):
    before = secret_in(stranger.get("/login/").content)
    sign_in(stranger, before)
    assert stranger.session["_csrftoken"] != stranger.cookies[settings.CSRF_COOKIE_NAME].value
    assert stranger.post("/logout/", {"csrfmiddlewaretoken": before}).status_code == 403
    after = secret_in(stranger.get("/servers/").content)
    assert stranger.post("/logout/", {"csrfmiddlewaretoken": after}).status_code == 302
    assert sign_in(stranger, secret_in(stranger.get("/login/").content)).status_code == 302


def test_djangos_own_protection_is_in_force_for_everybody():
    """Its check for that is silenced: it looks for the name of Django's class."""
    kinds = [import_string(path) for path in settings.MIDDLEWARE]
    assert [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, CsrfViewMiddleware)] == [Csrf]
