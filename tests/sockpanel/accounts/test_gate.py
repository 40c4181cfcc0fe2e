"""Whoever is not signed in sees four pages, static files and the favicon; while there is no admin, two of the pages."""

import pytest
from django.test import Client

from sockpanel.accounts.models import Token, User
from tests.sockpanel.addresses import every_path

ALWAYS = {"/setup", "/healthz", "/favicon.ico"}


def test_the_walk_finds_pages_api_and_admin():
    assert {"/servers/", "/login/", "/api/v1/servers", "/admin/accounts/user/"} <= set(every_path())


def test_while_there_is_no_admin_every_page_is_refused(client: Client, db: None):
    statuses = {path: client.get(path).status_code for path in every_path() if path not in ALWAYS}
    assert set(statuses.values()) == {403}


def test_while_there_is_no_admin_the_page_says_what_to_do(client: Client, db: None):
    assert b"open the link that its start printed" in client.get("/").content


def test_while_there_is_no_admin_a_script_is_told_by_a_code(client: Client, db: None):
    assert client.get("/api/v1/servers").json()["code"] == "SP-1001"


def test_signed_out_every_page_leads_to_the_sign_in(client: Client, ada: User):
    paths = [
        path for path in every_path() if path not in ALWAYS | {"/login/", "/invite/"} and not path.startswith("/api/")
    ]
    leads = {path: client.get(path).headers.get("Location", "") for path in paths}
    assert {path: lead for path, lead in leads.items() if lead != f"/login/?next={path}"} == {}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_signed_out_every_route_of_the_api_is_401(client: Client, ada: User, method: str):
    answers = [getattr(client, method)(path) for path in every_path() if path.startswith("/api/")]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["code"] for answer in answers} == {"SP-1006"}


def test_a_form_of_somebody_signed_out_changes_nothing(client: Client, ada: User):
    assert client.post("/servers/new/", {"name": "x"}).headers["Location"] == "/login/"


def test_an_address_that_there_is_not_says_nothing_to_somebody_signed_out(client: Client, ada: User):
    assert client.get("/no/such/page").status_code == 302
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/no/such/page").status_code == 404


def test_a_token_opens_the_gate_and_a_wrong_one_does_not(client: Client, otto: User):
    token = Token.issue(otto)
    assert client.get("/api/v1/presets", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert client.get("/api/v1/presets", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_request_with_a_token_needs_no_csrf_token(otto: User):
    client, token = Client(enforce_csrf_checks=True), Token.issue(otto)
    answer = client.post("/api/v1/servers", "{}", "application/json", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["code"] != "SP-1010"


def test_a_request_with_a_session_needs_one(ada: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    for path in ("/api/v1/servers", "/logout/"):
        answer = client.post(path, "{}", "application/json")
        assert answer.status_code == 403
        assert b"SP-1010" in answer.content
