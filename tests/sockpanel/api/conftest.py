"""Callers of the API, each with a role and a token; and a supervisor that is only a lock."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from services import operations
from services.models import Server
from services.supervisor.lock import SupervisorLock
from sockpanel.accounts.models import Token, User


class Caller:
    """Someone with a token, or signed in."""

    def __init__(self, user: User, *, in_person: bool = False) -> None:
        self.user = user
        headers = {} if in_person else {"Authorization": f"Bearer {Token.issue(user)}"}
        self._client = Client(headers=headers, raise_request_exception=False)
        if in_person:
            self._client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    def in_person(self) -> "Caller":
        """The same one with a session that has just begun."""
        return Caller(self.user, in_person=True)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
        """Below /api/v1; a body that is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self._client.generic(method, f"/api/v1{path}", data, "application/json", headers=headers)

    def get(self, path: str) -> Any:
        """What a GET gives that has to work."""
        response = self.ask("GET", path)
        assert response.status_code == 200, response.content
        return response.json()


def _caller(name: str, role: str) -> Caller:
    # No password: nobody signs in, and hashing one takes long
    return Caller(User.objects.create(username=name, role=role))


@pytest.fixture
def admin(db: None) -> Caller:
    """Ada."""
    return _caller("ada", "admin")


@pytest.fixture
def operator(db: None) -> Caller:
    """Otto."""
    return _caller("otto", "operator")


@pytest.fixture
def viewer(db: None) -> Caller:
    """Vera."""
    return _caller("vera", "viewer")


@pytest.fixture
def problem() -> Callable[..., dict[str, Any]]:
    """Checks that an answer is problem+json with this status and code, and gives it."""

    def check(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
        assert response["Content-Type"] == "application/problem+json", response.content
        told: dict[str, Any] = response.json()
        assert (response.status_code, told["status"], told["code"]) == (status, status, code), told
        assert told["detail"].endswith((".", "?"))
        return told

    return check


@pytest.fixture
def echo(db: None) -> Server:
    """A server named echo, stopped."""
    return operations.create({"preset": "echo"}, "ada")


@pytest.fixture
def supervised() -> Iterator[None]:
    """The node counts as supervised; nobody does what is asked."""
    with SupervisorLock(settings.SOCKPANEL_DATA_DIR, settings.SOCKPANEL_NODE):
        yield
