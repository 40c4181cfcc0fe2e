"""The page of people and invitations: what it shows to whom, and what its buttons do without any script."""

import re
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from services.models import AuditEntry
from sockpanel.accounts.models import Invitation, Session, Token, User

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

PATH = "/users/"


def post(client: Client, verb: str, **fields: str):
    return client.post(PATH, {"verb": verb, **fields}, follow=True)


def grows_old(client: Client) -> None:
    """As if the sign-in were six minutes ago."""
    session = client.session
    session["confirmed_at"] = int(time.time()) - 360
    session.save()


@pytest.fixture
def admin_and_vera(admin: Client, viewer: Client) -> Client:
    return admin


def test_only_admins_see_it_and_find_it(admin: Client, operator: Client, viewer: Client):
    for client, status in ((admin, 200), (operator, 403), (viewer, 403)):
        assert client.get(PATH).status_code == status
        assert (b'href="/users/"' in client.get("/servers/").content) is (status == 200)
        assert post(client, "disable", name="nobody").status_code == status


def test_it_shows_everybody_with_role_sessions_and_tokens(admin_and_vera: Client):
    page = admin_and_vera.get(PATH).content.decode()
    rows = re.findall(r'data-user="(\w+)".*?data-label="Role"><span>(\w+).*?(\d+) browser', page, re.DOTALL)
    assert rows == [("ada", "admin", "1"), ("vera", "viewer", "1")]
    assert "the only admin" in page


def test_many_people_cost_no_more_questions_than_few(admin: Client):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(PATH).status_code == 200
        return len(asked)

    admin.get(PATH)  # the first one gives the session the secret of its forms
    few = questions()
    for number in range(20):
        user = User.objects.create(username=f"user{number}", role="admin" if number % 2 else "viewer")
        for _ in range(3):
            Token.issue(user)
            Client().force_login(user)
    assert questions() == few
    page = admin.get(PATH).content.decode()
    rows = re.findall(
        r'data-user="user\d+".*?(\d+) browser.*?data-label="Tokens" class="is-number">(\d+)<', page, re.DOTALL
    )
    assert rows == [("3", "3")] * 20


def test_who_was_silent_for_too_long_is_signed_in_nowhere(admin_and_vera: Client):
    Session.objects.filter(user__username="vera").update(seen_at=timezone.now() - timedelta(hours=12, minutes=1))
    page = admin_and_vera.get(PATH).content.decode()
    row = page.partition('data-user="vera"')[2].partition("</tr>")[0]
    assert "browser" not in row
    assert b"signed out of 0 browsers." in post(admin_and_vera, "sign-out", name="vera").content


def test_a_role_is_changed_by_a_button(admin_and_vera: Client):
    answer = post(admin_and_vera, "role", name="vera", role="operator")
    assert b"vera is an operator now." in answer.content
    assert User.objects.get(username="vera").role == "operator"


def test_the_last_admin_keeps_the_role_and_is_told_why(admin_and_vera: Client):
    assert b"ada is the only admin" in post(admin_and_vera, "role", name="ada", role="viewer").content


def test_somebody_is_disabled_and_let_in_again(admin_and_vera: Client, viewer: Client):
    assert b"let in no more" in post(admin_and_vera, "disable", name="vera").content
    assert viewer.get("/servers/").status_code == 302
    page = admin_and_vera.get(PATH).content
    assert b"Let in again" in page
    assert b"may sign in again" in post(admin_and_vera, "enable", name="vera").content
    assert User.objects.get(username="vera").is_active


def test_somebody_is_signed_out(admin_and_vera: Client, viewer: Client):
    assert b"signed out of 1 browser." in post(admin_and_vera, "sign-out", name="vera").content
    assert viewer.get("/servers/").status_code == 302


def test_an_admin_who_signs_out_everywhere_is_at_the_sign_in_page(admin: Client):
    answer = admin.post(PATH, {"verb": "sign-out", "name": "ada"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
    assert admin.get("/servers/").status_code == 302


def test_an_invitation_is_shown_once_and_leads_to_an_account(admin: Client):
    page = post(admin, "invite", name="Otto", role="operator").content.decode()
    link = re.search(r"<pre data-link>(\S+)</pre>", page)[1]
    path, _, token = link.partition("#token=")
    assert path == "http://testserver/invite/"
    again = admin.get(PATH).content.decode()
    assert "Otto" in again
    assert token not in again
    stranger = Client()
    assert (
        stranger.post("/invite/", {"token": token, "username": "otto", "password": "a long new password"}).url
        == "/servers/"
    )
    assert User.objects.get(username="otto").role == "operator"
    assert b"None is open." in admin.get(PATH).content


def test_an_invitation_is_taken_back(admin: Client):
    post(admin, "invite", role="viewer")
    answer = post(admin, "uninvite", number=str(Invitation.objects.get().pk))
    assert b"opens nothing" in answer.content
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "٣"])
def test_an_invitation_that_there_is_not_is_told(admin: Client, number: str):
    assert b"used or taken back already" in post(admin, "uninvite", number=number).content


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(admin: Client):
    answer = post(admin, "invite", name="x" * 151, role="admin")
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert b'value="admin" checked' in answer.content


def test_what_gives_rights_needs_the_password_and_what_takes_them_does_not(admin_and_vera: Client):
    grows_old(admin_and_vera)
    for verb in ("role", "disable", "enable", "invite"):
        answer = post(admin_and_vera, verb, name="vera", role="admin")
        assert (answer.status_code, b"Your password, please" in answer.content) == (403, True)
    assert post(admin_and_vera, "sign-out", name="vera").status_code == 200
    vera = User.objects.get(username="vera")
    assert (vera.role, vera.is_active, Invitation.objects.count()) == ("viewer", True, 0)


def test_everything_is_recorded(admin_and_vera: Client):
    post(admin_and_vera, "role", name="vera", role="operator")
    post(admin_and_vera, "invite", name="Otto", role="viewer")
    post(admin_and_vera, "disable", name="vera")
    verbs = [entry.verb for entry in AuditEntry.objects.filter(who="ada", code="").order_by("number")]
    assert [verb for verb in verbs if verb.startswith("user.")] == ["user.role", "user.invite", "user.disable"]


def test_a_verb_that_there_is_not_is_refused(admin: Client):
    assert post(admin, "delete", name="ada").status_code == 422
