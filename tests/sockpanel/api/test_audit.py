"""The audit over the API: for admins, by pages, with filters; and a configuration that comes back."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from services import audit, operations
from services.models import AuditEntry, Server
from tests.sockpanel.api.conftest import Caller

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

Problem = Callable[..., dict[str, Any]]


def test_only_admins_read_it(operator: Caller, admin: Caller, problem: Problem, echo: Server):
    problem(operator.ask("GET", "/audit"), 403, "SP-1005")
    assert admin.get("/audit")["entries"][-1]["verb"] == "server.create"


def test_an_entry_tells_who_did_what_with_which_bytes(admin: Caller, echo: Server):
    entry = audit.record("send", "otto", server=echo, what="connection 3", data=b"hello\xff")
    [told] = admin.get("/audit?limit=1")["entries"]
    assert (told["id"], told["who"], told["verb"], told["server"], told["what"]) == (
        entry.number,
        "otto",
        "send",
        "echo",
        "connection 3",
    )
    assert (base64.b64decode(told["data"]), told["size"]) == (b"hello\xff", 6)
    assert told["sha256"] == hashlib.sha256(b"hello\xff").hexdigest()


def test_pages_follow_each_other_and_tell_the_head(admin: Caller):
    made = [audit.record("server.start", "ada", server=f"lab{number}") for number in range(5)]
    newest = admin.get("/audit?limit=2")
    older = admin.get(f"/audit?limit=2&before={newest['last']}")
    assert [entry["id"] for page in (newest, older) for entry in page["entries"]] == [5, 4, 3, 2]
    assert (newest["more"], newest["head"]) == (True, {"number": 5, "hash": made[4].hash})
    assert [entry["id"] for entry in admin.get("/audit?after=3")["entries"]] == [4, 5]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("who=otto", ["send"]),
        ("verb=server", ["server.start"]),
        ("server=lab", ["server.start"]),
        ("refused=true", ["refused"]),
        ("since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z", ["refused", "send", "server.start"]),
        ("until=2026-01-01T00:00:00Z", []),
    ],
)
def test_filters_hold(admin: Caller, query: str, found: list[str]):
    audit.record("server.start", "ada", server="lab")
    audit.record("send", "otto", server="bench")
    audit.record("refused", "vera", code="SP-1005")
    assert [entry["verb"] for entry in admin.get(f"/audit?{query}")["entries"]] == found


@pytest.mark.parametrize("query", ["since=yesterday", "limit=0", "limit=1001", "before=-1", "colour=red"])
def test_a_filter_that_makes_no_sense_is_refused(admin: Caller, problem: Problem, query: str):
    problem(admin.ask("GET", f"/audit?{query}"), 422, "SP-6001")


def test_an_earlier_configuration_comes_back(admin: Caller, echo: Server):
    admin.ask("PATCH", "/servers/echo", {"reply": {"type": "upper"}, "notes": "changed"})
    entry = AuditEntry.objects.get(verb="server.create").number
    answer = admin.ask("POST", "/servers/echo/restore", {"entry": entry})
    assert (answer.status_code, answer.json()["reply"]["type"], answer.json()["notes"]) == (200, "echo", echo.notes)
    assert admin.get("/audit?limit=1")["entries"][0]["what"] == f"as entry {entry} has it"


@pytest.mark.parametrize("body", [{}, {"entry": "1"}, {"entry": True}, {"entry": 1, "name": "x"}])
def test_what_names_no_entry_is_refused(admin: Caller, problem: Problem, echo: Server, body: dict[str, Any]):
    problem(admin.ask("POST", "/servers/echo/restore", body), 422, "SP-6001")


@pytest.mark.parametrize("entry", [0, 99, -1, 2**64])
def test_an_entry_of_something_else_is_unknown(admin: Caller, problem: Problem, echo: Server, entry: int):
    audit.record("sign-in", "ada")
    problem(admin.ask("POST", "/servers/echo/restore", {"entry": entry}), 404, "SP-4031")


def test_operators_restore_nothing(operator: Caller, problem: Problem, echo: Server):
    problem(operator.ask("POST", "/servers/echo/restore", {"entry": 1}), 403, "SP-1005")
    assert operations.find("echo").revision == 1
