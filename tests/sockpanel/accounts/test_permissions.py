"""One table of who may what; nothing that can be asked of the panel is missing from it."""

import re
import typing

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.test import Client

from services.models import Action
from sockpanel.accounts import gate
from sockpanel.accounts.access import Guard
from sockpanel.accounts.models import Token, User
from sockpanel.accounts.permissions import ACTIONS, DEEDS, ON_THE_HOST, includes
from sockpanel.accounts.site import PAGES
from sockpanel.live import commands, wire
from sockpanel.live.routing import urlpatterns as sockets
from sockpanel.pages import server
from tests.sockpanel.addresses import Address, every_address
from tests.sources import CHECKOUT, PACKAGES

WAYS_OUT = {"/logout/", "/admin/logout/", "/admin/login/"}
STRANGERS = gate.ALWAYS | {gate.SIGN_IN, gate.JOIN} | WAYS_OUT
ROLES = [str(role) for role in User.Role]


def guard(address: Address) -> Guard:
    return getattr(address.view, "guard", Guard(""))


def pages() -> list[Address]:
    """Those of our own that have a guard."""
    return [one for one in every_address() if not one.is_admin and hasattr(one.view, "guard")]


def test_the_docs_have_a_row_for_each_deed_and_no_other():
    text = (CHECKOUT / "docs" / "permissions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| (\w+) \| (yes)? ?\|", text, re.MULTILINE)
    assert rows == [(name, str(deed.role), "yes" if deed.confirm else "") for name, deed in DEEDS.items()]


def test_every_page_is_a_deed_of_the_table_or_open_to_strangers():
    ours = [one for one in every_address() if not one.is_admin and not one.is_api]
    unguarded = {one.pattern for one in ours if not guard(one).see}
    assert unguarded - STRANGERS == set()
    assert {deed for one in ours for deed in guard(one).deeds} - {"", *DEEDS} == set()


def test_what_is_open_to_strangers_is_no_page_with_a_guard_besides():
    assert [one.pattern for one in pages() if one.pattern in STRANGERS] == []


def test_every_page_of_the_admin_is_a_deed_of_the_table():
    names = {one.name for one in every_address() if one.is_admin and one.pattern not in WAYS_OUT}
    names -= {"", "login", "logout"}  # what is nowhere; our own sign-in, and way out
    assert names - set(PAGES) == set()
    assert {deed for page in PAGES.values() for deed in page.deeds} - set(DEEDS) == set()


def test_every_websocket_is_a_deed_of_the_table():
    assert {deed for one in sockets for deed in one.callback.deeds} <= set(DEEDS)


def test_every_frame_that_a_client_may_send_is_a_deed_of_the_table():
    assert set(wire.SAYS) == set(typing.get_args(wire.Incoming))
    assert set(commands.SAYS) == set(typing.get_args(commands.Incoming))
    assert {*wire.SAYS.values(), *commands.SAYS.values(), *commands.RUNS.values()} <= set(DEEDS)


def test_every_action_is_a_deed_of_the_table_and_the_pages_say_the_same():
    assert set(ACTIONS) == set(Action.Verb)
    assert set(ACTIONS.values()) <= set(DEEDS)
    assert {verb: deed for verb, deed in server.ACTS.items() if verb in ACTIONS}.items() <= ACTIONS.items()


def test_every_command_of_ours_is_in_the_table():
    ours = {name for name, app in get_commands().items() if str(app).split(".")[0] in PACKAGES}
    assert ours == ON_THE_HOST


# Each page, asked by each role


@pytest.fixture
def signed_in(client: Client, request: pytest.FixtureRequest, db: None) -> Client:
    """Somebody with the role that the test is about."""
    user = User.objects.create(username="somebody", role=request.getfixturevalue("role"))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    return client


@pytest.mark.django_db(databases=["default", "messages"])
@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_for_those_whose_role_includes_it_and_for_no_other(role: str, signed_in: Client):
    asked = {one.pattern: signed_in.get(one.filled(name="nobody")).status_code for one in pages()}
    for one in pages():
        opens = asked[one.pattern] in (200, 301, 302, 404)
        assert opens is includes(role, guard(one).see), (one.pattern, asked[one.pattern])
        assert opens or asked[one.pattern] == 403


@pytest.mark.django_db(databases=["default", "messages"])
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_form_beyond_the_role_is_refused_whatever_it_says(role: str, signed_in: Client):
    refused = {}
    for one in pages():
        asked = {"": guard(one).post or guard(one).see, **guard(one).verbs}
        for verb, deed in asked.items():
            if not includes(role, deed):
                answer = signed_in.post(one.filled(name="nobody"), {"verb": verb})
                refused[one.pattern, verb] = (answer.status_code, b"SP-1005" in answer.content)
    assert len(refused) > 5
    assert {ask: answer for ask, answer in refused.items() if answer not in ((403, True), (405, False))} == {}


@pytest.mark.django_db(databases=["default", "messages"])
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_djangos_admin_is_closed_to_others_than_admins(role: str, signed_in: Client):
    for one in every_address():
        if one.is_admin and one.pattern not in WAYS_OUT:
            answer = signed_in.get(one.filled(), follow=True)
            assert answer.status_code in (403, 404), one.pattern


@pytest.mark.django_db(databases=["default", "messages"])
def test_djangos_admin_is_closed_to_tokens(ada: User):
    headers = {"Authorization": f"Bearer {Token.issue(ada)}"}
    words = {"username": "eve", "role": "admin", "password1": "x", "password2": "x"}
    for one in every_address():
        if one.is_admin and one.pattern not in WAYS_OUT:
            path = one.filled()
            for answer in (Client().get(path, headers=headers), Client().post(path, words, headers=headers)):
                assert answer.status_code in (302, 403, 404, 405), path
    assert list(User.objects.values_list("username", flat=True)) == ["ada"]


def test_djangos_own_site_is_ours():
    assert "sockpanel.accounts.admin_app.Admin" in settings.INSTALLED_APPS
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
