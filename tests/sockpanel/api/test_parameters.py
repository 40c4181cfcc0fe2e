"""A query parameter that a route does not know is a mistake, and is told as one."""

from collections.abc import Callable
from typing import Any

import pytest

from services.models import Server

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]


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


def test_the_parameters_that_there_are_stand_in_the_refusal(viewer: Any, echo: Server, problem: Problem) -> None:
    told = problem(viewer.ask("GET", "/servers/echo/connections?zzz=&limit=5"), 422, "SP-6001")
    assert told["detail"] == "'zzz' is no parameter here: there are before, limit, open."
    told = problem(viewer.ask("GET", "/node?limit=5"), 422, "SP-6001")
    assert told["detail"] == "'limit' is no parameter here: there are none."


def test_whoever_may_not_is_told_that_and_no_more(viewer: Any, echo: Server, problem: Problem) -> None:
    problem(viewer.ask("DELETE", "/servers/echo?zzz=1"), 403, "SP-1005")


def test_a_known_parameter_without_a_value_counts_as_left_out(viewer: Any, echo: Server) -> None:
    assert viewer.get("/servers/echo/messages?after=&limit=") == viewer.get("/servers/echo/messages")
