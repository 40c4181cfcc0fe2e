"""One's own account by API: what a session may, and what a token may not."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sockpanel.accounts.models import Token, User
from tests.sockpanel.api.conftest import Caller


@pytest.fixture
def browser(operator: Caller) -> Client:
    """Otto, signed in in a browser."""
    client = Client()
    client.force_login(operator.user)
    return client


def send(client: Client, method: str, path: str, body: Any = None):
    return client.generic(
        method, f"/api/v1{path}", b"" if body is None else json.dumps(body).encode(), "application/json"
    )


def test_it_says_who_is_asking(operator: Caller):
    assert operator.get("/account") == {"username": "otto", "role": "operator", "theme": "", "language": ""}


def test_for_a_token_it_says_what_the_token_may(operator: Caller):
    secret = Token.issue(operator.user, scope="viewer")
    answer = Client().get("/api/v1/account", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["role"] == "viewer"


def test_the_theme_is_kept(browser: Client):
    assert send(browser, "PATCH", "/account", {"theme": "dark"}).json()["theme"] == "dark"
    assert User.objects.get(username="otto").theme == "dark"


@pytest.mark.parametrize("body", [{"theme": "pink"}, {"theme": None}, {"role": "admin"}, {"language": "xx"}])
def test_nothing_else_can_be_changed_about_it(browser: Client, body: Any):
    assert send(browser, "PATCH", "/account", body).status_code == 422
    assert User.objects.get(username="otto").role == "operator"


def test_a_token_is_made_told_once_and_revoked(browser: Client, operator: Caller):
    made = send(browser, "POST", "/account/tokens", {"name": "nightly", "scope": "viewer", "days": 1})
    assert (made.status_code, made.json()["scope"]) == (201, "viewer")
    assert made.json()["token"] not in str(operator.get("/account/tokens"))
    script = Client(headers={"Authorization": f"Bearer {made.json()['token']}"})
    assert script.get("/api/v1/presets").status_code == 200
    assert send(browser, "DELETE", f"/account/tokens/{made.json()['number']}").status_code == 204
    assert script.get("/api/v1/presets").status_code == 401


def test_a_token_needs_the_password_again(browser: Client):
    session = browser.session
    session["confirmed_at"] = int(time.time()) - 360
    session.save()
    answer = send(browser, "POST", "/account/tokens", {"name": "nightly", "scope": "viewer"})
    assert (answer.status_code, answer.json()["code"]) == (403, "SP-1011")


def test_no_token_has_more_than_its_owner(browser: Client):
    assert send(browser, "POST", "/account/tokens", {"name": "x", "scope": "admin"}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/account/tokens", {"name": "for ever", "scope": "viewer", "days": 0}), ("PATCH", "/account", {"theme": "dark"}),
     ("DELETE", "/account/tokens/1", None)],
)  # fmt: skip
def test_a_token_that_got_lost_cannot_outlive_itself(
    operator: Caller, problem: Callable[..., Any], method: str, path: str, body: Any
):
    problem(operator.ask(method, path, body), 403, "SP-1005")
    assert operator.user.tokens.count() == 1


def test_nor_by_the_page(operator: Caller):
    headers = {"Authorization": f"Bearer {Token.issue(operator.user)}"}
    words = {"verb": "token", "name": "x", "scope": "viewer", "days": "0"}
    assert Client(headers=headers).post("/account/", words).status_code == 403
    assert operator.user.tokens.count() == 2


def test_tokens_of_others_are_out_of_reach(browser: Client, admin: Caller):
    number = admin.user.tokens.get().pk
    assert send(browser, "DELETE", f"/account/tokens/{number}").status_code == 404
    assert admin.ask("GET", "/presets").status_code == 200
