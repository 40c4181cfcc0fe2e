"""People and invitations by API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sockpanel.accounts.models import Invitation, User
from tests.sockpanel.api.conftest import Caller


def test_everybody_is_listed_by_name(admin: Caller, viewer: Caller):
    ada, vera = admin.get("/users")["users"]
    assert (ada["username"], ada["role"], ada["active"], ada["sessions"], ada["tokens"]) == ("ada", "admin", True, 0, 1)
    assert vera["role"] == "viewer"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/users", None), ("PATCH", "/users/ada", {"active": False}), ("POST", "/users/ada/sign-out", None),
     ("GET", "/invitations", None), ("POST", "/invitations", {"role": "admin"}), ("DELETE", "/invitations/1", None)],
)  # fmt: skip
def test_they_are_for_admins(operator: Caller, problem: Callable[..., Any], method: str, path: str, body: Any):
    problem(operator.ask(method, path, body), 403, "SP-1005")


def test_a_role_is_changed_and_somebody_is_let_in_no_more(admin: Caller, viewer: Caller):
    told = admin.in_person().ask("PATCH", "/users/vera", {"role": "operator", "active": False}).json()
    assert (told["role"], told["active"]) == ("operator", False)
    assert viewer.ask("GET", "/presets").status_code == 401
    assert admin.in_person().ask("PATCH", "/users/vera", {"active": True}).json()["role"] == "operator"
    assert viewer.ask("GET", "/presets").status_code == 200


@pytest.mark.parametrize("body", [{"role": "viewer"}, {"active": False}])
def test_the_last_admin_stays_one(admin: Caller, problem: Callable[..., Any], body: Any):
    problem(admin.in_person().ask("PATCH", "/users/ada", body), 409, "SP-1013")


@pytest.mark.parametrize("body", [{"role": "owner"}, {"role": 1}, {"active": "no"}, {"name": "x"}, {"active": None}])
def test_a_change_that_makes_no_sense_is_refused(admin: Caller, viewer: Caller, problem: Callable[..., Any], body: Any):
    problem(admin.in_person().ask("PATCH", "/users/vera", body), 422, "SP-6001")


def test_nobody_is_told_to_be_nobody(admin: Caller, problem: Callable[..., Any]):
    problem(admin.in_person().ask("PATCH", "/users/eve", {"role": "viewer"}), 404, "SP-1004")
    problem(admin.ask("POST", "/users/eve/sign-out"), 404, "SP-1004")


def test_somebody_is_signed_out_everywhere(admin: Caller, viewer: Caller):
    browser = Client()
    browser.force_login(User.objects.get(username="vera"))
    assert admin.ask("POST", "/users/vera/sign-out").json() == {"ended": 1}
    assert browser.get("/api/v1/presets").status_code == 401


def test_an_invitation_leads_to_an_account(admin: Caller, client: Client):
    made = admin.in_person().ask("POST", "/invitations", {"role": "operator", "name": "Otto"})
    assert made.status_code == 201
    path, _, token = made.json()["link"].partition("#token=")
    assert path == "http://testserver/invite/"
    assert token not in str(admin.get("/invitations"))
    client.post("/invite/", {"token": token, "username": "otto", "password": "a long new password"})
    assert User.objects.get(username="otto").role == "operator"
    assert admin.get("/invitations") == {"invitations": []}


def test_an_invitation_is_taken_back(admin: Caller, problem: Callable[..., Any]):
    number = admin.in_person().ask("POST", "/invitations", {"role": "viewer"}).json()["number"]
    assert admin.ask("DELETE", f"/invitations/{number}").status_code == 204
    assert not Invitation.objects.exists()
    problem(admin.ask("DELETE", f"/invitations/{number}"), 404, "SP-1015")
