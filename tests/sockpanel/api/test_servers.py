"""Servers by the API: list, create, read, change, delete."""

from collections.abc import Callable
from typing import Any

import pytest

from services.models import Server
from sockpanel.api.body import MAX_BYTES

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]


def test_a_preset_and_a_name_make_a_server(admin: Any) -> None:
    response = admin.ask("POST", "/servers", {"preset": "echo", "name": "lab", "port": 9107})
    told = response.json()
    assert (response.status_code, response["Location"]) == (201, "/api/v1/servers/lab")
    assert (told["name"], told["port"], told["reply"]["type"], told["state"]) == ("lab", 9107, "echo", "STOPPED")
    assert admin.get("/servers/lab") == told


def test_all_fields_make_a_server(admin: Any) -> None:
    words = {
        "name": "plc",
        "kind": "tcp",
        "transport": "tcp",
        "host": "::1",
        "port": 9108,
        "framing": {"type": "length", "size": 2, "order": "little"},
        "reply": {"type": "fixed", "text": r"OK\r\n", "close": True},
        "limits": {"keep_bytes": 10},
        "restart": "always",
        "autostart": True,
        "retention": {"rows": 5},
        "notes": "the one in hall 3",
    }
    told = admin.ask("POST", "/servers", words).json()
    parts = ("framing", "reply", "limits")
    assert all(told[part].items() >= words[part].items() for part in parts)
    assert {field: told[field] for field in words if field not in parts}.items() <= words.items()
    assert (told["framing"]["size"], told["limits"]["keep_bytes"], told["address"]) == (2, 10, "[::1]:9108")


def test_the_list_has_every_server_by_name(admin: Any, echo: Server) -> None:
    admin.ask("POST", "/servers", {"preset": "sink", "name": "a-sink"})
    assert [server["name"] for server in admin.get("/servers")["servers"]] == ["a-sink", "echo"]


def test_each_wrong_field_has_its_sentence_and_nothing_is_created(admin: Any, problem: Problem) -> None:
    told = problem(
        admin.ask(
            "POST", "/servers", {"name": "Lab", "kind": "tcp", "port": 0, "reply": {"type": "sing"}, "colour": 1}
        ),
        422,
        "SP-2101",
    )
    assert set(told["problems"]) == {"name", "port", "reply.type", "colour"}
    assert not Server.objects.exists()


def test_a_name_can_be_given_once(admin: Any, echo: Server, problem: Problem) -> None:
    told = problem(admin.ask("POST", "/servers", {"preset": "sink", "name": "echo"}), 409, "SP-2102")
    assert told["field"] == "name"


@pytest.mark.parametrize("preset", ["nope", "", 7, {}, []])
def test_a_preset_that_there_is_not(admin: Any, preset: object, problem: Problem) -> None:
    problem(admin.ask("POST", "/servers", {"preset": preset}), 422, "SP-2104")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"\\ud800"', b"\xff", b"[" * 100_000, b"NaN"])
def test_a_body_that_is_no_object_is_a_problem(admin: Any, body: bytes, problem: Problem) -> None:
    problem(admin.ask("POST", "/servers", body), 400, "SP-6003")


@pytest.mark.parametrize(("size", "status", "code"), [(MAX_BYTES, 400, "SP-6003"), (MAX_BYTES + 1, 413, "SP-6004")])
def test_a_body_has_a_mebibyte_at_the_most(admin: Any, size: int, status: int, code: str, problem: Problem) -> None:
    problem(admin.ask("POST", "/servers", b"x" * size), status, code)


@pytest.mark.parametrize("name", ["nobody", "Nobody", "%00", "%F0%9F%92%A9", "a" * 300])
def test_a_server_that_there_is_not(admin: Any, name: str, problem: Problem) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        problem(admin.ask(method, f"/servers/{name}", {}), 404, "SP-2103")


def test_a_change_merges_parts_and_null_takes_a_key_away(admin: Any, echo: Server) -> None:
    told = admin.ask(
        "PATCH", "/servers/echo", {"port": 9109, "reply": {"type": "upper"}, "retention": {"age": 60}}
    ).json()
    assert (told["port"], told["reply"]["type"], told["retention"]) == (9109, "upper", {"rows": 100_000, "age": 60})
    assert admin.ask("PATCH", "/servers/echo", {"retention": {"rows": None}}).json()["retention"] == {"age": 60}


def test_a_change_that_makes_no_sense_changes_nothing(admin: Any, echo: Server, problem: Problem) -> None:
    problem(admin.ask("PATCH", "/servers/echo", {"port": 70_000, "notes": "new"}), 422, "SP-2101")
    assert admin.get("/servers/echo")["notes"] == ""


def test_a_deleted_server_is_gone(admin: Any, echo: Server, problem: Problem) -> None:
    response = admin.ask("DELETE", "/servers/echo")
    assert (response.status_code, response.content) == (204, b"")
    problem(admin.ask("GET", "/servers/echo"), 404, "SP-2103")
