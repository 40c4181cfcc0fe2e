"""The page Activity, and the earlier configurations on a server's History tab."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client

from services import audit, operations
from services.models import AuditEntry, Server

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


def rows(client: Client, query: str = "") -> list[str]:
    """The text of each row, without markup."""
    page = client.get(f"/activity/{query}").content.decode()
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [text_of(row).strip() for row in body.split("</tr>") if row.strip()]


def test_only_admins_see_it_and_its_entry_in_the_bar(admin: Client, operator: Client, echo: Server) -> None:
    assert operator.get("/activity/").status_code == 403
    assert 'href="/activity/"' not in operator.get("/servers/").content.decode()
    assert 'href="/activity/"' in admin.get("/servers/").content.decode()
    assert "made the server" in rows(admin, "?verb=server.create")[0]


def test_a_change_is_shown_field_by_field(admin: Client, echo: Server) -> None:
    operations.change(echo, {"reply": {"type": "upper"}, "notes": "hall 3"}, "otto")
    [row] = rows(admin, "?verb=server.change")
    assert "otto" in row
    assert 'reply.type "echo" became → "upper"' in row
    assert "notes" in row
    assert '"hall 3"' in row


def test_filters_hold_together_and_a_day_is_included_whole(admin: Client, echo: Server) -> None:
    audit.record("send", "otto", server="echo", data=b"hello\x1b[2J")
    audit.record("refused", "vera", what="POST /", code="SP-1005")
    assert [("otto" in row, "hello" in row) for row in rows(admin, "?who=otto")] == [(True, True)]
    assert "SP-1005" in rows(admin, "?refused=1")[0]
    assert rows(admin, "?who=otto&verb=server") == []
    all_of_it = AuditEntry.objects.count()
    assert len(rows(admin, "?since=2020-01-01&until=2120-01-01")) == all_of_it
    assert rows(admin, "?until=2020-01-01") == []
    assert len(rows(admin, "?since=yesterday&before=x")) == all_of_it
    day = f"{datetime.fromtimestamp(AuditEntry.objects.get(verb='send').at / 1e6, UTC):%Y-%m-%d}"
    assert "hello" in rows(admin, f"?verb=send&since={day}&until={day}")[0]


def test_what_came_from_outside_cannot_act(admin: Client) -> None:
    audit.record(
        "sign-in.refused",
        "<script>alert(1)</script>\x1b\u202e",
        what="<img onerror=x>",
        server="<b>",
        new={"<i>": "<u>"},
    )
    page = admin.get("/activity/").content.decode()
    assert not re.search(r"<script>alert|<img onerror|<b>\s*</|<i>|<u>|\x1b|\u202e", page)


def test_older_entries_are_a_page_further(admin: Client) -> None:
    for number in range(103):
        audit.record("server.start", "otto", server=f"lab{number}")
    page = admin.get("/activity/?who=otto").content.decode()
    older = re.search(r'href="\?([^"]*before=\d+)"', page)
    assert older
    assert len(rows(admin, f"?{older[1].replace('&amp;', '&')}")) == 3


def test_a_server_that_is_there_is_linked_and_one_that_is_gone_is_not(admin: Client, echo: Server) -> None:
    audit.record("server.start", "ada", server="gone")
    page = admin.get("/activity/").content.decode()
    assert 'href="/servers/echo/history/"' in page
    assert "/servers/gone/" not in page


@pytest.fixture
def changed(echo: Server) -> Server:
    operations.change(echo, {"reply": {"type": "upper"}}, "otto")
    return echo


def test_one_click_gives_an_earlier_configuration_back(admin: Client, changed: Server) -> None:
    page = admin.get("/servers/echo/history/").content.decode()
    assert "reply.type" in page
    [entry] = re.findall(r'name="entry" value="(\d+)"', page)
    answer = admin.post("/servers/echo/history/", {"verb": "restore", "entry": entry}, follow=True)
    assert f"is configured as entry {entry} has it" in answer.content.decode()
    changed.refresh_from_db()
    assert changed.reply["type"] == "echo"
    assert AuditEntry.objects.filter(verb="server.restore", who="ada").count() == 1


def made() -> int:
    """The entry of the server's creation."""
    return AuditEntry.objects.get(verb="server.create", server="echo").number


def test_others_are_offered_none_and_may_not(operator: Client, changed: Server) -> None:
    assert 'name="entry"' not in operator.get("/servers/echo/history/").content.decode()
    assert operator.post("/servers/echo/history/", {"verb": "restore", "entry": "1"}).status_code == 403


@pytest.mark.parametrize("entry", ["", "0", "99", "x", "1" * 30])
def test_what_is_no_entry_is_unknown(admin: Client, changed: Server, entry: str) -> None:
    answer = admin.post("/servers/echo/history/", {"verb": "restore", "entry": entry})
    assert (answer.status_code, "SP-4031" in answer.content.decode()) == (404, True)


def test_a_configuration_that_cannot_be_had_is_told(
    admin: Client, changed: Server, monkeypatch: pytest.MonkeyPatch, supervised: None
) -> None:
    def taken(*_: object, **__: object) -> None:
        raise operations.errors.AddressInUse("Port 8007 is in use.")

    monkeypatch.setattr(operations, "_change", taken)
    answer = admin.post("/servers/echo/history/", {"verb": "restore", "entry": made()}, follow=True)
    assert "Port 8007 is in use." in answer.content.decode()


def test_another_verb_is_none(admin: Client, changed: Server) -> None:
    assert admin.post("/servers/echo/history/", {"verb": "erase"}).status_code == 422


def test_a_server_that_runs_commands_asks_for_the_password(
    make_stale: Callable[[Client], None], admin: Client, changed: Server
) -> None:
    Server.objects.filter(pk=changed.pk).update(kind="command")
    make_stale(admin)
    answer = admin.post("/servers/echo/history/", {"verb": "restore", "entry": made()})
    assert (answer.status_code, "confirming-password" in answer.content.decode()) == (403, True)


@pytest.fixture
def make_stale() -> Callable[[Client], None]:
    """The password was given long ago."""

    def forget(client: Client) -> None:
        session = client.session
        session.pop("confirmed_at", None)
        session.save()

    return forget
