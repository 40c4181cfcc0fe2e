"""Certificates by API: seen by everybody, changed by admins; a private key comes in, and never goes out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services import operations
from services.models import Certificate
from tests.services.tls import making
from tests.sockpanel.api.conftest import Caller

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

Problem = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> None:
    settings.SOCKPANEL_DATA_DIR = tmp_path


def given(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_one_is_made_read_renewed_and_removed(admin: Caller, viewer: Caller, problem: Problem) -> None:
    made = given(admin.ask("POST", "/certificates", {"name": "lab", "names": ["localhost"]}), 201)
    assert (made["names"], made["is_own"], made["state"], made["has_key"]) == (["localhost"], True, "valid", True)
    assert viewer.get("/certificates/lab") == made
    assert [one["name"] for one in viewer.get("/certificates")["certificates"]] == ["lab", "sockpanel-ca"]
    renewed = given(admin.ask("POST", "/certificates/lab/renew", {}))
    assert (renewed["revision"], renewed["fingerprint"] != made["fingerprint"]) == (2, True)
    assert admin.ask("DELETE", "/certificates/lab").status_code == 204
    problem(admin.ask("GET", "/certificates/lab"), 404, "SP-2402")


def test_a_pair_is_uploaded_and_its_key_is_in_no_answer(admin: Caller) -> None:
    pair = making.pair()
    body = {"name": "lab", "chain": pair.chain, "key": pair.key_text}
    answers = [
        admin.ask("POST", "/certificates", body),
        admin.ask("GET", "/certificates"),
        admin.ask("POST", "/certificates/lab/renew", {"chain": pair.chain, "key": pair.key_text}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert not [answer for answer in answers if b"PRIVATE" in answer.content]


def test_what_makes_no_sense_is_told_beside_its_field(admin: Caller, problem: Problem) -> None:
    for body, field in (
        ({"name": "lab", "names": ["a b"]}, "names"),
        ({"name": "lab", "chain": "x", "key": "y"}, "chain"),
        ({"name": "lab", "chain": making.pair().chain, "key": making.pair().key_text}, "key"),
        ({"name": "lab", "colour": 1}, "colour"),
        ({"name": "lab", "purpose": "clients", "chain": making.pair(days=(-9, -1)).chain}, "chain"),
        ({}, "name"),
    ):
        assert problem(admin.ask("POST", "/certificates", body), 422, "SP-2401")["field"] == field
    assert not Certificate.objects.exclude(purpose="authority").exists()


def test_one_in_use_is_not_removed(admin: Caller, problem: Problem) -> None:
    admin.ask("POST", "/certificates", {"name": "lab"})
    operations.create({"name": "echo", "kind": "tcp", "port": 9100, "tls": {"mode": "on", "certificate": "lab"}}, "ada")
    assert admin.get("/certificates/lab")["used_by"] == ["echo"]
    assert "echo" in problem(admin.ask("DELETE", "/certificates/lab"), 409, "SP-2403")["detail"]


def test_a_server_may_name_only_what_there_is(admin: Caller, problem: Problem) -> None:
    body = {"name": "echo", "kind": "tcp", "port": 9100, "tls": {"mode": "on", "certificate": "lab"}}
    assert "tls.certificate" in problem(admin.ask("POST", "/servers", body), 422, "SP-2101")["problems"]


def test_the_authority_is_made_anew_for_other_names(admin: Caller, problem: Problem) -> None:
    problem(admin.ask("POST", "/certificates", {"name": "web", "names": ["example.com"]}), 422, "SP-2401")
    made = given(admin.ask("POST", "/authority", {"names": ["example.com"]}))
    assert (made["name"], made["purpose"]) == ("sockpanel-ca", "authority")
    given(admin.ask("POST", "/certificates", {"name": "web", "names": ["example.com"]}), 201)


def test_a_clients_certificate_is_in_one_answer_with_its_key(admin: Caller, problem: Problem) -> None:
    issued = given(admin.ask("POST", "/authority/clients", {"name": "laptop"}), 201)
    assert "PRIVATE KEY" in issued["key"]
    assert "laptop" not in str(admin.get("/certificates"))
    assert problem(admin.ask("POST", "/authority/clients", {"name": "A"}), 422, "SP-2401")["field"] == "name"


def test_viewers_and_operators_change_nothing(viewer: Caller, operator: Caller, problem: Problem) -> None:
    for caller in (viewer, operator):
        for method, path in (
            ("POST", "/certificates"),
            ("POST", "/certificates/lab/renew"),
            ("DELETE", "/certificates/lab"),
            ("POST", "/authority"),
            ("POST", "/authority/clients"),
        ):
            problem(caller.ask(method, path, {"name": "lab"}), 403, "SP-1005")
    assert not Certificate.objects.exists()


def test_a_key_that_is_not_on_this_machine_is_told(admin: Caller, problem: Problem, tmp_path: Path) -> None:
    given(admin.ask("POST", "/certificates", {"name": "lab"}), 201)
    for path in (tmp_path / "tls").iterdir():
        path.unlink()
    assert admin.get("/certificates/lab")["has_key"] is False
    assert "sockpanel-ca" in problem(admin.ask("POST", "/certificates/lab/renew", {}), 409, "SP-2404")["detail"]
