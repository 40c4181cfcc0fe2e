"""A query parameter that a route does not know is a mistake, and is told as one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.models import Server
from sockpanel.api.urls import api

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]
SCHEMA: dict[str, Any] = api.get_openapi_schema()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/servers"),
        ("GET", "/servers/echo"),
        ("GET", "/servers/echo/messages"),
        ("GET", "/servers/echo/runs"),
        ("DELETE", "/servers/echo"),
        ("PATCH", "/servers/echo"),
        ("POST", "/servers/echo/send"),
        ("POST", "/servers/echo/start"),
        ("POST", "/client"),
    ],
)
def test_an_unknown_parameter_is_refused_by_name(
    admin: Any, echo: Server, method: str, path: str, problem: Problem
) -> None:
    told = problem(admin.ask(method, f"{path}?zzz=1", {}), 422, "SP-6001")
    assert (told["field"], told["detail"].startswith("'zzz' is no parameter here")) == ("zzz", True)
    assert Server.objects.filter(name="echo").exists()


def whole_numbers() -> Iterator[tuple[str, str, str]]:
    """The method and path of each route with a whole number in its address or its query, and the number's name."""
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            for one in operation.get("parameters", []):
                kinds = one["schema"].get("anyOf", [one["schema"]])
                if {"integer"} & {kind.get("type") for kind in kinds}:
                    yield method.upper(), path.removeprefix("/api/v1"), one["name"]


def test_there_are_some() -> None:
    assert len(list(whole_numbers())) > 20


@pytest.fixture
def ada(admin: Any) -> Any:
    """In person, for what no token may."""
    return admin.in_person()


@pytest.mark.parametrize(("method", "path", "name"), list(whole_numbers()))
def test_a_number_is_written_in_plain_digits(ada: Any, echo: Server, method: str, path: str, name: str) -> None:
    for text in ("1_0", "%201", "1%20", "%2B1", "%D9%A3", "%EF%BC%91", "1.0", "x", "%00"):
        words = {"name": "echo", "id": "1", "number": "1"}
        if f"{{{name}}}" in path:
            asked = path.format(**words | {name: text})
        else:
            asked = f"{path.format(**words)}?{name}={text}"
        answer = ada.ask(method, asked)
        assert (answer.status_code, answer.json()["field"]) == (422, name), (asked, answer.content)


def test_the_parameters_that_there_are_stand_in_the_refusal(viewer: Any, echo: Server, problem: Problem) -> None:
    told = problem(viewer.ask("GET", "/servers/echo/connections?zzz=&limit=5"), 422, "SP-6001")
    assert told["detail"] == "'zzz' is no parameter here: there are before, limit, open."
    told = problem(viewer.ask("GET", "/node?limit=5"), 422, "SP-6001")
    assert told["detail"] == "'limit' is no parameter here: there are none."


def test_whoever_may_not_is_told_that_and_no_more(viewer: Any, echo: Server, problem: Problem) -> None:
    problem(viewer.ask("DELETE", "/servers/echo?zzz=1"), 403, "SP-1005")


def test_a_known_parameter_without_a_value_counts_as_left_out(viewer: Any, echo: Server) -> None:
    assert viewer.get("/servers/echo/messages?after=&limit=") == viewer.get("/servers/echo/messages")
