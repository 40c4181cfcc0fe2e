"""Whoever writes a NUL into an address, a query, a form or a body is answered, and no database is asked about one or given one."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connections
from django.test import Client

from services import operations
from services.models import Server
from sockpanel.accounts.models import User
from sockpanel.api.requests import EXAMPLES
from sockpanel.api.urls import api
from tests.sockpanel.addresses import every_address

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

NUL = "a\0b"
SCHEMA: dict[str, Any] = api.get_openapi_schema()
PAGES = {
    "/servers/": ("q",),
    "/servers/new/": ("preset", "from", "copy"),
    "/servers/echo/": ("before", "after", "filter"),
    "/servers/echo/connections/": ("before",),
    "/activity/": ("who", "verb", "server", "since", "until", "before"),
    "/certificates/": ("renew", "ask"),
    "/client/": ("host", "port", "transport", "data"),
    "/commands/": ("q", "user", "where", "before", "line"),
    "/commands/keys/": ("change",),
    "/login/": ("next",),
    "/admin/accounts/user/": ("q", "username", "role", "username__startswith", "o"),
    "/admin/services/server/": ("q", "name", "kind"),
}
PASSWORD = "a+long+new+password"
FORMS = [
    ("/login/", "username=ada&password=x"),
    ("/invite/", f"token=x&username=eve&password={PASSWORD}"),
    ("/setup", f"token=x&username=eve&password={PASSWORD}"),
    *(("/users/", f"verb={verb}&name=otto&role=viewer&number=1") for verb in ("role", "disable", "enable", "invite")),
    *(("/users/", f"verb={verb}&name=otto&number=1") for verb in ("sign-out", "uninvite")),
    ("/account/", "verb=end&session=x"),
    ("/account/", "verb=revoke&token=1"),
    ("/account/", "verb=token&name=x&scope=viewer&days=1"),
    ("/account/", "verb=looks&theme=dark&language=en"),
    ("/account/", f"verb=password&current=x&password={PASSWORD}"),
    *(("/certificates/", f"verb={verb}&how=make&name=x&names=x.lan") for verb in ("create", "renew", "remove")),
    *(("/certificates/", f"verb={verb}&name=x&names=x.lan") for verb in ("client", "authority")),
    ("/commands/keys/", "verb=create&how=generate&name=x&owner=x&servers=echo&commands=x&sources=10.0.0.0/8"),
    ("/commands/keys/", "verb=change&name=x&owner=x&servers=echo&commands=x&sources=10.0.0.0/8"),
    ("/commands/keys/", "verb=revoke&name=x"),
    ("/commands/", "server=echo&line=uname"),
    ("/commands/", f"another=on&host=127.0.0.1&port=1&key={'0' * 64}&line=uname"),
    ("/client/", "transport=tcp&host=127.0.0.1&port=1&data=x&encoding=text&framing.type=none"),
    ("/servers/", "verb=stop&name=echo"),
    ("/servers/new/", "preset=echo&name=lab&notes=x&host=127.0.0.1&port=9001&kind=tcp&transport=tcp&node=local"),
    ("/servers/echo/", "verb=send&data=x&encoding=text&to=all&peer=x"),
    (
        "/servers/echo/settings/",
        "name=echo&notes=x&host=127.0.0.1&port=9001&kind=tcp&transport=tcp&reply.type=fixed&reply.text=x",
    ),
    ("/servers/echo/history/", "verb=restore&entry=1"),
]


def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """As PostgreSQL does: in texts, and in JSON, but for what the audit keeps as text."""
    for text in _texts(params or ()):
        assert "\0" not in text, sql
        assert "services_auditentry" in sql or r"\u0000" not in text, sql
    return execute(sql, params, many, context)


def _texts(params: Any) -> Iterator[str]:
    for one in params:
        if isinstance(one, str):
            yield one
        elif isinstance(one, list | tuple):
            yield from _texts(one)


@pytest.fixture
def admin(db: None) -> Iterator[Client]:
    """Ada at a browser, beside Otto and a server; the databases take no NUL."""
    client = Client(raise_request_exception=False)
    User.objects.create(username="otto", role="operator")
    client.force_login(User.objects.create(username="ada", role="admin"))
    operations.create({"preset": "echo"}, "ada")
    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(connections[alias].execute_wrapper(refuse))
        yield client


def is_answered(answer: Any, *what: object) -> None:
    assert answer.status_code != 500, (what, answer.content[-500:])


def test_in_any_gap_of_an_address(admin: Client) -> None:
    paths = {address.filled(**dict.fromkeys(GAPS, "%00")) for address in every_address()}
    assert {path for path in paths if "%00" in path and path.startswith("/api/v1/users/")}
    for path in sorted(path for path in paths if "%00" in path):
        for method in ("GET", "POST", "PATCH", "DELETE"):
            is_answered(admin.generic(method, path, b"{}", "application/json"), method, path)


GAPS = ("name", "username", "key", "word", "certificate", "id", "object_id", "app_label", "content_type_id")


@pytest.mark.parametrize("path", PAGES)
def test_in_any_query_of_a_page(admin: Client, path: str) -> None:
    for name in PAGES[path]:
        is_answered(admin.get(path, {name: NUL}), name)


def test_in_any_query_of_the_api(admin: Client) -> None:
    asked = 0
    for path, methods in SCHEMA["paths"].items():
        for one in methods.get("get", {}).get("parameters", []):
            if one["in"] == "query":
                is_answered(admin.get(path.format(name="echo", id=1), {one["name"]: NUL}), path, one["name"])
                asked += 1
    assert asked > 30


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_in_any_field_of_a_form(admin: Client, path: str, fields: str) -> None:
    words = dict(parse_qsl(fields))
    for name in words:
        is_answered(admin.post(path, {**words, name: NUL}), name)


class Gaps(dict[str, str]):
    """What stands in those of an address."""

    def __missing__(self, name: str) -> str:
        return {"name": "echo", "username": "otto"}.get(name, "1")


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A method, a path and a body whose texts are right, for each route that takes one."""
    shapes = {kind.__name__: example for kind, example in EXAMPLES.items()}
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if body:
                yield method.upper(), path, shapes[body["schema"]["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize(("method", "path", "body"), list(bodies()))
def test_in_any_text_of_a_body(admin: Client, method: str, path: str, body: dict[str, Any]) -> None:
    path = "/api/v1" + path.removeprefix("/api/v1").format_map(Gaps())
    for field in [*body, "nothing"]:
        for value in (NUL, [NUL], {NUL: NUL}):
            sent = json.dumps({**body, field: value})
            is_answered(admin.generic(method, path, sent, "application/json"), field, value)
    assert Server.objects.filter(name="echo").exists()
