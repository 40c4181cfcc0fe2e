"""Who may call what: every route is a deed of the table of permissions, and a session needs its CSRF token."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from sockpanel.accounts.permissions import DEEDS
from sockpanel.api.urls import api
from tests.sources import CHECKOUT

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]

ORDER = ["viewer", "operator", "admin"]
DOCS = (CHECKOUT / "docs" / "api.md").read_text(encoding="utf-8")


def guards() -> dict[str, list[Any]]:
    """Every route -> who asks before it."""
    return {
        f"{method} {path}": operation.auth_callbacks
        for _, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }


def filled(route: str) -> tuple[str, str]:
    """Its method and path, with something in each gap that is not there."""
    method, _, path = route.partition(" ")
    return method, re.sub(r"\{\w+\}", lambda gap: "nobody" if gap[0] in ("{name}", "{key}") else "999999", path)


def needed(route: str) -> str:
    """The least role that may call it, by the table of permissions."""
    (guard,) = guards()[route]
    return str(DEEDS[guard.deed].role)


def test_every_route_asks_for_a_deed_of_the_table() -> None:
    asked = {route: [getattr(guard, "deed", None) for guard in found] for route, found in guards().items()}
    assert {route: deeds for route, deeds in asked.items() if len(deeds) != 1 or deeds[0] not in DEEDS} == {}


def test_the_description_has_no_route_besides() -> None:
    paths: dict[str, Any] = api.get_openapi_schema()["paths"]
    told = {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in paths.items() for method in methods}
    assert told == set(guards())


@pytest.mark.parametrize("route", guards())
def test_the_docs_tell_the_role_of_every_route(route: str) -> None:
    assert f"| `{route}` | {needed(route)} |" in DOCS


def is_in_person(route: str) -> bool:
    (guard,) = guards()[route]
    return DEEDS[guard.deed].in_person


@pytest.mark.parametrize("route", [route for route in guards() if is_in_person(route)])
def test_what_is_done_in_person_no_token_does(route: str, admin: Any, problem: Problem) -> None:
    method, path = filled(route)
    assert "not done by a token" in problem(admin.ask(method, path, {}), 403, "SP-1005")["detail"]


@pytest.mark.parametrize("route", [route for route in guards() if not is_in_person(route)])
def test_a_lower_role_is_refused_and_the_least_role_gets_in(
    route: str, viewer: Any, operator: Any, admin: Any, problem: Problem
) -> None:
    method, path = filled(route)
    least = ORDER.index(needed(route))
    for place, caller in enumerate((viewer, operator, admin)):
        response = caller.ask(method, path, {})
        if place < least:
            told = problem(response, 403, "SP-1005")
            assert ORDER[least] in told["detail"]
        else:
            assert response.status_code in (200, 400, 404, 422), response.content


@pytest.mark.parametrize("route", [*guards(), "GET /openapi.json", "GET /docs", "GET /nowhere"])
def test_someone_signed_out_gets_nothing(route: str, admin: Any, problem: Problem) -> None:
    method, path = filled(route)
    response = Client().generic(method, f"/api/v1{path}", b"{}", "application/json")
    problem(response, 401, "SP-1006")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_there_is_not_gets_nothing(admin: Any, problem: Problem) -> None:
    problem(admin.ask("GET", "/servers", Authorization="Bearer sp_guessed"), 401, "SP-1006")


@pytest.fixture
def session(ada: Any) -> Client:
    """Ada, signed in in a browser."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_session_may_read_without_more(session: Client) -> None:
    assert session.get("/api/v1/servers").status_code == 200


def test_a_session_may_write_only_with_its_csrf_token(session: Client, problem: Problem) -> None:
    problem(session.post("/api/v1/servers", {"preset": "echo"}, "application/json"), 403, "SP-1010")
    problem(session.delete("/api/v1/servers/nobody", headers={"X-CSRFToken": "x" * 64}), 403, "SP-1010")
    token = session.get("/servers/").context["csrf_token"]
    answer = session.post(
        "/api/v1/servers", {"preset": "echo"}, "application/json", headers={"X-CSRFToken": str(token)}
    )
    assert answer.status_code == 201


def test_a_foreign_origin_is_refused_even_with_the_csrf_token(session: Client, problem: Problem) -> None:
    headers = {"X-CSRFToken": str(session.get("/servers/").context["csrf_token"]), "Origin": "http://testserver:9000"}
    problem(session.post("/api/v1/servers", {"preset": "echo"}, "application/json", headers=headers), 403, "SP-1010")


def test_someone_disabled_gets_nothing(admin: Any, problem: Problem) -> None:
    get_user_model().objects.update(is_active=False)
    problem(admin.ask("GET", "/servers"), 401, "SP-1006")
