"""Looking changes nothing: every address asked by GET, and every link on every page, leaves both databases as they were."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import router
from django.test import Client

from services.models import Command
from services.remote import keys
from sockpanel.accounts.models import Token, User
from tests.sockpanel.addresses import every_address
from tests.sockpanel.recorded import make

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

MOST = 250  # addresses
# Signs of life, which are no state of anything: when somebody was here last
LIVING = {"accounts.session", "sessions.session"}
SEEN = {"accounts.token": {"used_at"}}
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3XeTmXP4oV6mTn3vQtYz6MqPnQ0G8m6b3l0j1yZ6cB"


@pytest.fixture
def ada(person: Any) -> Client:
    """An admin, signed in, in a panel where there is something of everything."""
    user = person("ada", "admin")
    for name, kind in (("echo", "tcp"), ("lab", "command")):
        make(name, kind)
    Command.objects.create(user="ada", server="lab", argv=["uname"], line="uname", state="done")
    keys.generate({"name": "laptop"}, "ada")
    Token.issue(user, "backup")
    client = Client(raise_request_exception=False)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label_lower
        if label not in LIVING and model._meta.managed:
            fields = [
                field.attname for field in model._meta.concrete_fields if field.attname not in SEEN.get(label, ())
            ]
            rows = model._default_manager.using(router.db_for_read(model)).values_list(*fields)
            rows = (
                rows.filter(code="") if label == "services.auditentry" else rows
            )  # a refusal is told, and changes nothing
            found[label] = sorted(map(repr, rows))
    return found


def links(path: str, page: str) -> Iterator[str]:
    """Addresses of ours on a page; another order of the same rows is no other page."""
    for link in re.findall(r'(?:href|action|src)="([^"#]+)', page):
        target = unescape(link)
        if target.startswith("?"):
            target = path.partition("?")[0] + target
        if target.startswith("/") and not target.startswith(("//", settings.STATIC_URL)):
            yield target


def first_paths() -> list[str]:
    names = [one.filled(name=name, pk=1, key="laptop") for one in every_address() for name in ("echo", "lab", "nobody")]
    return sorted(set(names))


def test_no_get_changes_anything(ada: Client) -> None:
    before, answers = snapshot(), {}
    waiting = first_paths()
    while waiting and len(answers) < MOST:
        path = waiting.pop(0)
        if path in answers:
            continue
        answer = ada.head(path) if "logout" in path else ada.get(path)
        answers[path] = answer.status_code
        if answer.status_code == 200 and "html" in answer.get("Content-Type", ""):
            waiting.extend(links(path, answer.content.decode(errors="replace")))
    assert {path: status for path, status in answers.items() if status >= 500} == {}
    assert {"/servers/echo/", "/commands/keys/", "/api/v1/keys", "/admin/accounts/user/"} <= set(answers)
    assert len(answers) > 100
    after = snapshot()
    assert {
        table: [row for row in rows if row not in before[table]]
        for table, rows in after.items()
        if rows != before[table]
    } == {}
    assert User.objects.get().is_active


def test_the_way_out_is_no_get(ada: Client) -> None:
    for path in ("/logout/", "/admin/logout/"):
        assert ada.get(path).status_code == 405
    assert ada.get("/servers/").status_code == 200
