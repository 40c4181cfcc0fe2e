"""Who may call what: every route has its role, and a session needs its CSRF token."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from sockpanel.api.urls import api

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]

# Every route, and the least role that may call it. A new route has to be added here.
ROLES = {
    "GET /presets": "viewer",
    "GET /node": "viewer",
    "GET /servers": "viewer",
    "POST /servers": "admin",
    "GET /servers/{name}": "viewer",
    "PATCH /servers/{name}": "admin",
    "DELETE /servers/{name}": "admin",
    "POST /servers/{name}/start": "operator",
    "POST /servers/{name}/stop": "operator",
    "POST /servers/{name}/restart": "operator",
    "POST /servers/{name}/send": "operator",
    "GET /servers/{name}/messages": "viewer",
    "GET /servers/{name}/connections": "viewer",
    "DELETE /servers/{name}/connections/{number}": "operator",
    "GET /servers/{name}/runs": "viewer",
    "GET /servers/{name}/changes": "viewer",
    "GET /servers/{name}/incidents": "viewer",
    "POST /servers/{name}/prune": "admin",
    "POST /client": "operator",
    "POST /commands": "operator",
    "GET /commands": "operator",
    "GET /commands/{id}": "operator",
    "GET /servers/{name}/executions": "operator",
    "GET /servers/{name}/key": "operator",
    "GET /keys": "admin",
    "POST /keys": "admin",
    "PATCH /keys/{key}": "admin",
    "POST /keys/{key}/revoke": "admin",
}
ORDER = ["viewer", "operator", "admin"]


def routes() -> dict[str, str]:
    """Every route -> its path."""
    paths: dict[str, Any] = api.get_openapi_schema()["paths"]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": path
        for path, methods in paths.items()
        for method in methods
    }


def test_every_route_is_in_the_table_of_roles() -> None:
    assert set(routes()) == set(ROLES)


@pytest.mark.parametrize("route", ROLES)
def test_a_lower_role_is_refused_and_the_least_role_gets_in(
    route: str, viewer: Any, operator: Any, admin: Any, problem: Problem
) -> None:
    method, path = route.replace("{name}", "nobody").replace("{number}", "1").split(" ")
    needed = ORDER.index(ROLES[route])
    for place, caller in enumerate((viewer, operator, admin)):
        response = caller.ask(method, path, {})
        if place < needed:
            told = problem(response, 403, "SP-1005")
            assert ROLES[route] in told["detail"]
        else:
            assert response.status_code in (200, 400, 404, 422), response.content


@pytest.mark.parametrize("route", [*ROLES, "GET /openapi.json", "GET /docs", "GET /nowhere"])
def test_someone_signed_out_gets_nothing(route: str, admin: Any, problem: Problem) -> None:
    method, path = route.replace("{name}", "echo").replace("{number}", "1").split(" ")
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
