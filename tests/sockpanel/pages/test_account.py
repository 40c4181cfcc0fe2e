"""One's own account, by forms that need no script: password, sessions, tokens, looks."""

import re
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from services.models import AuditEntry
from sockpanel.accounts import sessions
from sockpanel.accounts.models import Session, Token, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

PATH = "/account/"
NEW = "another good passphrase"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def post(client: Client, verb: str, **fields: str):
    return client.post(PATH, {"verb": verb, **fields}, follow=True)


def browser(user: User, said: str, address: str) -> Client:
    """Signed in with a browser that says this, from there; without the form, for hashing takes long."""
    client = Client()
    client.force_login(user, BACKEND)
    session = client.session
    session["browser"], session["address"] = said, address
    session.save()
    return client


@pytest.fixture
def here(otto: User) -> Client:
    """Otto, who has a password, in front of his account."""
    return browser(otto, "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "127.0.0.1")


@pytest.fixture
def elsewhere(otto: User) -> Client:
    """Otto again, at another browser."""
    return browser(otto, "Mozilla/5.0 (iPhone) Safari/604.1", "192.0.2.7")


def is_in(client: Client) -> bool:
    return client.get("/api/v1/presets").status_code == 200


def test_everybody_has_one_and_finds_it(admin: Client, operator: Client, viewer: Client):
    for client in (admin, operator, viewer):
        assert client.get(PATH).status_code == 200
        assert b'href="/account/"' in client.get("/servers/").content


# The password


def test_a_new_password_keeps_this_session_and_ends_the_others(here: Client, elsewhere: Client, otto: User):
    answer = post(here, "password", current=PASSWORD, password=NEW)
    assert b"Your password is changed." in answer.content
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert not Session.objects.filter(user=otto).exclude(pk=sessions.digest(here.session.session_key)).exists()
    otto.refresh_from_db()
    assert otto.check_password(NEW)
    assert AuditEntry.objects.filter(verb="user.password", who="otto").exists()


def test_tokens_outlive_the_password_and_that_is_said(here: Client, otto: User):
    tokens = [Token.issue(otto, name) for name in ("one", "two")]
    answer = post(here, "password", current=PASSWORD, password=NEW)
    assert b"Your 2 tokens below go on: revoke what somebody else may have." in answer.content
    assert Client(headers={"Authorization": f"Bearer {tokens[0]}"}).get("/api/v1/presets").status_code == 200


def test_they_are_revoked_with_it_by_a_tick(here: Client, otto: User):
    tokens = [Token.issue(otto, name) for name in ("one", "two")]
    assert b"Revoke my 2 tokens, too" in here.get(PATH).content
    answer = post(here, "password", current=PASSWORD, password=NEW, revoke="1")
    assert b"Your 2 tokens are revoked." in answer.content
    assert [
        Client(headers={"Authorization": f"Bearer {one}"}).get("/api/v1/presets").status_code for one in tokens
    ] == [401] * 2
    assert list(AuditEntry.objects.filter(verb="token.revoke").order_by("number").values_list("what", flat=True)) == [
        "one",
        "two",
    ]


def test_a_wrong_password_revokes_nothing(here: Client, otto: User):
    Token.issue(otto, "one")
    assert post(here, "password", current="wrong", password=NEW, revoke="1").status_code == 422
    assert otto.tokens.count() == 1


@pytest.mark.parametrize(
    ("current", "new", "field", "said"),
    [("wrong", NEW, "current", b"not your password"), (PASSWORD, "0123456789x", "password", b"at least 12 characters"),
     (PASSWORD, "password1234", "password", b"too common")],
)  # fmt: skip
def test_a_password_that_will_not_do_is_told_beside_its_field(
    here: Client, otto: User, current: str, new: str, field: str, said: bytes
):
    answer = post(here, "password", current=current, password=new)
    assert answer.status_code == 422
    assert said in answer.content
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"'.encode(), answer.content)
    assert new.encode() not in answer.content
    otto.refresh_from_db()
    assert otto.check_password(PASSWORD)


# Sessions


def test_the_list_names_browser_and_address_and_marks_this_one(here: Client, elsewhere: Client):
    page = here.get(PATH).content.decode()
    assert re.search(r"Firefox on Linux</span> <span class=\"pill pill-good\">", page)
    assert re.search(r"Safari on iPhone</span></td>\s*<td[^>]*>192\.0\.2\.7", page)


def test_other_peoples_sessions_are_not_in_it(here: Client, admin: Client):
    other = Session.objects.get(user__username="ada").pk
    assert other not in here.get(PATH).content.decode()
    assert b"ended already" in post(here, "end", session=other).content
    assert is_in(admin)


def test_one_session_is_ended(here: Client, elsewhere: Client):
    which = sessions.digest(elsewhere.session.session_key)
    assert b"That browser is signed out." in post(here, "end", session=which).content
    assert (is_in(here), is_in(elsewhere)) == (True, False)


def test_ending_this_one_leads_to_the_sign_in_page(here: Client, elsewhere: Client):
    answer = here.post(PATH, {"verb": "end", "session": sessions.digest(here.session.session_key)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
    assert (is_in(here), is_in(elsewhere)) == (False, True)


def test_signing_out_everywhere_ends_all_of_them(here: Client, elsewhere: Client, admin: Client):
    assert here.post(PATH, {"verb": "end-all"}).headers["Location"] == "/login/"
    assert (is_in(here), is_in(elsewhere), is_in(admin)) == (False, False, True)


def test_whoever_has_signed_out_everywhere_leaves_no_session_and_no_word_for_the_next_sign_in(here: Client, otto: User):
    here.post(PATH, {"verb": "end-all"})
    assert not Session.objects.exists()
    here.force_login(otto, BACKEND)
    assert b"signed out everywhere" not in here.get("/servers/").content


def test_sessions_that_are_over_are_not_in_it(here: Client, elsewhere: Client):
    others = Session.objects.exclude(pk=sessions.digest(here.session.session_key))
    for over in ({"expire_date": timezone.now()}, {"seen_at": timezone.now() - timedelta(hours=13)}):
        before = dict(others.values(*over)[0])
        others.update(**over)
        assert b"iPhone" not in here.get(PATH).content
        others.update(**before)
    assert b"iPhone" in here.get(PATH).content


def test_what_a_browser_says_it_is_cannot_act(otto: User):
    page = browser(otto, '"><script>\u202e</script>', "\x1b[2J").get(PATH).content.decode()
    assert "><script>\u202e" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page


# Tokens


def test_a_token_is_shown_once_and_opens_what_its_scope_allows(here: Client, otto: User):
    page = post(here, "token", name="nightly", scope="viewer", days="30").content.decode()
    secret = re.search(r"<pre data-secret>(sp_\S+)</pre>", page)[1]
    assert secret not in here.get(PATH).content.decode()
    script = Client(headers={"Authorization": f"Bearer {secret}"})
    assert is_in(script)
    assert script.post("/api/v1/servers/x/start").status_code == 403  # otto may, his token may not
    token = otto.tokens.get()
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    entry = AuditEntry.objects.get(verb="token.create")
    assert (entry.who, entry.what, secret in entry.details) == ("otto", "nightly", False)


def test_a_token_never_has_more_than_its_owner(here: Client, otto: User):
    assert b'value="admin"' not in here.get(PATH).content
    assert post(here, "token", name="x", scope="admin", days="30").status_code == 422
    assert not otto.tokens.exists()


@pytest.mark.parametrize(
    ("name", "days"), [("", "30"), ("x" * 65, "30"), ("x", "3651"), ("x", "-1"), ("x", "soon"), ("x", "")]
)
def test_a_token_that_makes_no_sense_is_refused_and_nothing_is_lost(here: Client, otto: User, name: str, days: str):
    answer = post(here, "token", name=name, scope="operator", days=days)
    assert answer.status_code == 422
    assert b'value="operator" selected' in answer.content
    assert not otto.tokens.exists()


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("scope", "admin"), ("days", "4000")])
def test_the_field_that_is_wrong_says_so_and_names_its_sentence(here: Client, field: str, value: str):
    words = {"name": "x", "scope": "viewer", "days": "30", field: value}
    page = post(here, "token", **words).content.decode()
    assert re.findall(r'name="(\w+)"[^>]* aria-invalid="true" aria-describedby="t-problem-(\w+)"', page) == [
        (field, field)
    ]
    assert page.count(f'id="t-problem-{field}"') == 1


def test_a_token_needs_the_password_again(here: Client, otto: User):
    session = here.session
    session["confirmed_at"] = int(time.time()) - 360
    session.save()
    answer = post(here, "token", name="nightly", scope="viewer", days="30")
    assert (answer.status_code, b"Your password, please" in answer.content) == (403, True)
    assert not otto.tokens.exists()


def test_a_token_is_revoked_by_its_owner_alone(here: Client, otto: User, ada: User):
    own, other = Token.issue(otto, "mine"), Token.issue(ada, "hers")
    assert b"revoked already" in post(here, "revoke", token=str(ada.tokens.get().pk)).content
    assert b"The token is revoked" in post(here, "revoke", token=str(otto.tokens.get().pk)).content
    for secret, opens in ((own, False), (other, True)):
        assert is_in(Client(headers={"Authorization": f"Bearer {secret}"})) is opens


# Looks


def test_the_theme_is_kept_in_the_account(here: Client, elsewhere: Client):
    assert b"data-bs-theme" not in here.get(PATH).content
    assert b"Kept" in post(here, "looks", theme="dark", language="en").content
    for client in (here, elsewhere):
        assert b'<html lang="en" data-bs-theme="dark">' in client.get("/servers/").content


@pytest.mark.parametrize("looks", [{"theme": "pink"}, {"language": "xx"}])
def test_what_it_cannot_look_like_is_refused(here: Client, looks: dict[str, str]):
    assert post(here, "looks", **looks).status_code == 422
