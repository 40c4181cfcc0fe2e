"""Failures that no route is the cause of."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from services.models import Server
from sockpanel.api import servers

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/servers/", "/servers/echo/nowhere"])
def test_an_address_without_a_route(admin: Any, path: str, problem: Problem) -> None:
    problem(admin.ask("GET", path), 404, "SP-6002")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/servers", {"GET", "HEAD", "POST"}),
        ("POST", "/presets", {"GET", "HEAD"}),
        ("OPTIONS", "/servers/echo/start", {"POST"}),
    ],
)
def test_a_method_that_the_address_does_not_take(
    admin: Any, method: str, path: str, allowed: set[str], problem: Problem
) -> None:
    response = admin.ask(method, path)
    problem(response, 405, "SP-6005")
    assert set(response["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["/servers", "/servers/echo", "/servers/echo/messages?limit=5", "/presets", "/node"])
def test_head_is_get_without_the_body(viewer: Any, echo: Server, path: str) -> None:
    head, whole = viewer.ask("HEAD", path), viewer.ask("GET", path)
    assert (head.status_code, head.content, head["Content-Type"]) == (200, b"", "application/json")
    assert abs(int(head["Content-Length"]) - int(whole["Content-Length"])) < 10  # the disk's free bytes are two answers


def test_head_is_refused_where_get_is(viewer: Any, problem: Problem) -> None:
    assert viewer.ask("HEAD", "/servers/nobody").status_code == 404
    head = viewer.ask("HEAD", "/servers/nobody/start")
    assert (head.status_code, head["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_the_description_is_only_read(admin: Any, path: str, problem: Problem) -> None:
    problem(admin.ask("POST", path), 405, "SP-6005")


def test_a_database_that_does_not_answer_is_busy(
    admin: Any, echo: Server, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "describe", _raise(OperationalError("database is locked")))
    problem(admin.ask("GET", "/servers"), 503, "SP-4002")


def test_a_mistake_of_ours_tells_no_more_than_that(
    admin: Any, problem: Problem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(servers, "describe", _raise(ZeroDivisionError("secret")))
    told = problem(admin.ask("GET", "/servers"), 500, "SP-1000")
    assert "secret" not in str(told)
    assert "secret" in caplog.text


def _raise(error: Exception) -> Callable[..., Any]:
    def broken(*_: Any) -> Any:
        raise error

    return broken
