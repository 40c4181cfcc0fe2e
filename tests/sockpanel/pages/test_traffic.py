"""The Traffic tab: the account of a server, whom it turned away, and the way to make room."""

from collections.abc import Callable

import pytest
from django.test import Client

from services import operations, trouble
from services.models import Counters, Incident, Server
from tests.sockpanel.pages.conftest import AT

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
PAGE = "/servers/echo/traffic/"


def test_an_account_that_balances_says_so(viewer: Client, echo: Server) -> None:
    counted(echo, received=5, stored=3, bytes_in=50, stored_bytes=30, dropped={"full": 2}, dropped_bytes={"full": 20})
    page = viewer.get(PAGE).content.decode()
    assert "every message is accounted for" in page
    assert 'class="is-loss"' in page


def test_an_account_that_is_open_says_how_many_are_under_way(viewer: Client, echo: Server) -> None:
    counted(echo, received=5, stored=3, bytes_in=50, stored_bytes=30)
    page = viewer.get(PAGE)
    assert page.context["account"].incoming.open == 2
    assert "every message is accounted for" not in page.content.decode()


def test_an_account_is_not_called_whole_while_messages_wait_for_the_disk(
    viewer: Client, echo: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(echo, received=5, stored=5)
    monkeypatch.setattr(trouble, "is_storing", lambda: False)
    page = viewer.get(PAGE).content.decode()
    assert "messages wait" in page
    assert "every message is accounted for" not in page


def test_a_server_of_datagrams_has_no_list_of_refused_connections(
    viewer: Client, recorded: Callable[..., Server]
) -> None:
    title = "Refused connections"
    Server.objects.filter(pk=recorded(b"one").pk).update(transport="udp")
    assert title not in viewer.get(PAGE).content.decode()
    Server.objects.update(transport="tcp")
    assert title in viewer.get(PAGE).content.decode()


def test_refusals_stand_there_with_their_rule_and_source(viewer: Client, echo: Server) -> None:
    counted(echo, refused={"denied": 7})
    Incident.objects.create(
        server_id=echo.pk, at=AT, rule="denied", source="10.1.2.3", what="refused 10.1.2.3 <b>", count=7
    )
    page = viewer.get(PAGE).content.decode()
    assert "its network is not allowed" in page
    assert "refused 10.1.2.3 &lt;b&gt;" in page


def test_only_an_admin_may_make_room(
    viewer: Client, operator: Client, admin: Client, recorded: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int, str]] = []

    def prune(server: Server, keep: int, who: str) -> int:
        asked.append((server.name, keep, who))
        return 2

    monkeypatch.setattr(operations, "prune", prune)
    recorded(b"one", b"two", b"three")
    for person in (viewer, operator):
        assert person.post("/servers/echo/", {"verb": "prune", "keep": "1"}).status_code == 403
        assert 'value="prune"' not in person.get(PAGE).content.decode()
    assert 'value="prune"' in admin.get(PAGE).content.decode()
    assert admin.post("/servers/echo/", {"verb": "prune", "keep": "1"}).status_code == 302
    assert admin.post("/servers/echo/", {"verb": "prune", "keep": "9" * 5000}).status_code == 302
    assert asked == [("echo", 1, "ada"), ("echo", -1, "ada")]


def test_what_is_wrong_stands_on_every_page(viewer: Client, echo: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = trouble.Trouble("error", "SP-4001", "The disk of the <data> directory is full: make room.")
    monkeypatch.setattr(trouble, "current", lambda: [wrong])
    for path in ("/servers/", "/client/", PAGE):
        assert "The disk of the &lt;data&gt; directory is full: make room." in viewer.get(path).content.decode()


def counted(server: Server, **numbers: object) -> None:
    Counters.objects.update_or_create(pk=server.pk, defaults=numbers)
