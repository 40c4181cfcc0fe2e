"""Failures as answers: JSON for scripts, a page for people, the same status and code for both."""

from typing import Any

import pytest
from django.test import RequestFactory

from services import errors
from sockpanel import problems


def told(path: str, error: errors.SockpanelError) -> Any:
    return problems.problem(RequestFactory().get(path), error)


def test_the_api_answers_with_problem_json():
    answer = told("/api/v1/servers", errors.NameTaken("Another server is named lab.", field="name"))
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert b'"code": "SP-2102"' in answer.content
    assert b'"field": "name"' in answer.content


def test_a_page_shows_sentence_and_code_escaped():
    answer = told("/servers/x/", errors.ServerUnknown("There is no <b>."))
    assert answer.status_code == 404
    assert b"There is no &lt;b&gt;." in answer.content
    assert b"SP-2103" in answer.content


def test_who_has_to_sign_in_is_told_how():
    assert told("/api/v1/node", errors.SignInNeeded("Sign in."))["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.AddressInUse("..."), 409),  # by its base
        (errors.SupervisorAway("..."), 503),
        (errors.SockpanelError("..."), 400),  # not in the table
    ],
)
def test_the_table_says_which_status_goes_with_an_error(error: errors.SockpanelError, status: int):
    assert problems.status_of(error) == status


def test_a_broken_template_still_gives_an_answer(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> str:
        raise ValueError("no such static file")

    monkeypatch.setattr(problems, "render_to_string", broken)
    answer = told("/servers/", errors.NotAllowed("Ask an admin."))
    assert answer.status_code == 403
    assert answer.content == b"Forbidden. Ask an admin. SP-1005\n"
