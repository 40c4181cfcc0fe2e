"""Signing in and out, and the set-up page."""

import pytest
from django.test import Client

from sockpanel.accounts import setup
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD


@pytest.fixture(autouse=True)
def directory(settings, tmp_path):
    settings.SOCKPANEL_DATA_DIR = tmp_path


def sign_in(client: Client, path: str = "/login/", password: str = PASSWORD):
    return client.post(path, {"username": "ada", "password": password})


def test_signing_in_leads_to_the_servers(client: Client, ada: User):
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/servers/")
    assert client.get("/api/v1/presets").status_code == 200


def test_signing_in_leads_back_to_where_one_wanted_to_go_and_nowhere_else(client: Client, ada: User):
    assert sign_in(client, "/login/?next=/client/").headers["Location"] == "/client/"
    for foreign in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        client.logout()
        assert sign_in(client, f"/login/?next={foreign}").headers["Location"] == "/servers/"


def test_signing_in_changes_the_session(client: Client, ada: User):
    client.get("/login/")
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key not in (None, before)


def test_a_wrong_password_is_told_without_naming_what_was_wrong(client: Client, ada: User):
    answer = sign_in(client, password="wrong")
    assert answer.status_code == 400
    assert b"correct username and password" in answer.content


def test_nobody_signs_in_who_is_not_active(client: Client, ada: User):
    User.objects.update(is_active=False)
    assert sign_in(client).status_code == 400


def test_signing_out_ends_the_session_for_good(client: Client, ada: User):
    sign_in(client)
    key = client.session.session_key
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").headers["Location"] == "/login/"
    client.cookies["sessionid"] = key
    assert client.get("/servers/").status_code == 302


def test_another_password_ends_every_session(client: Client, ada: User):
    sign_in(client)
    ada.set_password("another good passphrase")
    ada.save()
    assert client.get("/api/v1/presets").status_code == 401


def test_the_set_up_page_makes_the_first_admin_and_signs_them_in(client: Client, db: None):
    token = setup.link("").partition("=")[2]
    assert client.get("/setup").status_code == 200
    answer = client.post("/setup", {"token": token, "username": "ada", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/servers/")
    assert client.get("/api/v1/presets").status_code == 200


@pytest.mark.parametrize(
    ("token", "password", "status", "said"),
    [("wrong", PASSWORD, 403, b"setup_token"), (None, "0123456789x", 422, b"at least 12 characters")],
)
def test_the_set_up_page_tells_what_was_wrong_and_keeps_what_was_right(
    client: Client, db: None, token: str | None, password: str, status: int, said: bytes
):
    given = token or setup.link("").partition("=")[2]
    answer = client.post("/setup", {"token": given, "username": "ada<b>", "password": password})
    assert answer.status_code == status
    assert said in answer.content
    assert b'value="ada&lt;b&gt;"' in answer.content
    assert password.encode() not in answer.content
    assert not User.objects.exists()


def test_the_set_up_page_is_closed_once_there_is_an_admin(client: Client, ada: User):
    for answer in (
        client.get("/setup"),
        client.post("/setup", {"token": "x", "username": "eve", "password": PASSWORD}),
    ):
        assert answer.status_code == 409
        assert b"SP-1002" in answer.content


def test_by_a_reset_link_somebody_gets_a_new_password_and_old_sessions_end(client: Client, ada: User):
    sign_in(client)
    token = setup.link("", "ada").partition("=")[2]
    elsewhere = Client()
    assert b"new password" in elsewhere.get("/setup").content
    assert elsewhere.post("/setup", {"token": token, "password": "another good passphrase"}).status_code == 302
    assert client.get("/api/v1/presets").status_code == 401
    assert elsewhere.get("/api/v1/presets").status_code == 200


def test_a_page_that_was_not_found_stays_on_the_panel(client: Client, ada: User):
    sign_in(client)
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert b"SP-6002" in answer.content
