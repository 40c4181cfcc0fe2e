"""A server's page: the conversation that it brings along, and what its forms do."""

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from services.models import Action, Connection, Message, Server
from sockpanel.pages import server as page_of
from tests.sockpanel.pages.conftest import AT, stands

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def test_the_messages_are_there_without_script_and_cannot_lie(viewer: Client, recorded: Callable[..., Server]) -> None:
    recorded(b"<b>hi</b>\r\n", b"\xff\x00", "a\u202eb".encode())
    page = viewer.get("/servers/echo/").content.decode()
    assert '&lt;b&gt;hi&lt;/b&gt;<span class="mark">\\r\\n</span>' in page
    assert '<span class="mark">\\xff\\0</span>' in page
    assert 'a<span class="mark">&lt;U+202E&gt;</span>b' in page
    assert 'data-first="1" data-last="3"' in page


def test_a_connection_opens_and_closes_between_its_messages(viewer: Client, recorded: Callable[..., Server]) -> None:
    echo = recorded(b"one", b"two")
    Connection.objects.filter(server_id=echo.pk).update(closed_at=AT + 9, closed_seq=2, why="reset by the peer")
    rows, first, last = page_of.conversation(echo.pk)
    assert [row["event"]["event"] if row["sort"] == "event" else row["message"].seq for row in rows] == [
        "opened",
        1,
        2,
        "closed",
    ]
    assert (first, last) == (1, 2)
    assert "closed · 127.0.0.1:5000 · reset by the peer" in viewer.get("/servers/echo/").content.decode()


def test_the_newest_hundred_come_along(viewer: Client, recorded: Callable[..., Server]) -> None:
    recorded(*(b"%d" % number for number in range(1, 252)))
    page = viewer.get("/servers/echo/").content.decode()
    assert page.count('class="entry row-') == 100
    assert 'data-first="152" data-last="251"' in page


def test_a_huge_message_brings_only_its_beginning(viewer: Client, recorded: Callable[..., Server]) -> None:
    recorded(b"x" * 100_000)
    answer = viewer.get("/servers/echo/")
    assert len(answer.content) < 40_000
    assert b" data-part" in answer.content
    assert b">100,000</span>" in answer.content


def test_pruned_messages_leave_no_false_beginning(viewer: Client, recorded: Callable[..., Server]) -> None:
    echo = recorded(b"one", b"two", b"three")
    Message.objects.filter(server_id=echo.pk).delete()
    assert 'data-first="4" data-last="3"' in viewer.get("/servers/echo/").content.decode()


def test_an_unknown_server_is_a_sentence(viewer: Client) -> None:
    answer = viewer.get("/servers/nobody/")
    assert answer.status_code == 404
    assert "There is no server named" in answer.content.decode()


def test_a_viewer_may_look_and_nothing_more(viewer: Client, echo: Server) -> None:
    page = viewer.get("/servers/echo/").content.decode()
    assert "data-send" not in page
    assert 'data-verb="start"' not in page
    assert 'data-opens="delete"' not in page
    for verb in ("start", "stop", "restart", "send", "close", "delete"):
        assert viewer.post("/servers/echo/", {"verb": verb, "number": "1"}).status_code == 403
    assert Server.objects.exists()
    assert not Action.objects.exists()


def test_an_operator_may_not_delete(operator: Client, echo: Server) -> None:
    assert operator.post("/servers/echo/", {"verb": "delete"}).status_code == 403
    assert Server.objects.exists()


def test_deleting_names_the_loss_first_and_leads_home(admin: Client, recorded: Callable[..., Server]) -> None:
    recorded(b"one", b"two")
    assert "<b data-loss>2 messages</b>" in admin.get("/servers/echo/").content.decode()
    answer = admin.post("/servers/echo/", {"verb": "delete"})
    assert answer["Location"] == "/servers/"
    assert not Server.objects.exists()


def test_a_button_leads_back_to_the_page_it_stood_on_and_nowhere_else(operator: Client, echo: Server) -> None:
    for target, leads in (
        ("/servers/?q=a", "/servers/?q=a"),
        ("//evil.example", "/servers/echo/"),
        ("https://evil.example/", "/servers/echo/"),
        ("/\\evil", "/servers/echo/"),
    ):
        assert operator.post("/servers/echo/", {"verb": "stop", "next": target})["Location"] == leads


def test_sending_to_a_server_that_does_not_run_says_so(operator: Client, echo: Server) -> None:
    page = operator.post("/servers/echo/", {"verb": "send", "data": "hi", "to": "all"}, follow=True).content.decode()
    assert "echo is not running: start it first." in page


def test_bytes_that_make_no_sense_are_not_sent(operator: Client, echo: Server, supervised: None) -> None:
    stands(echo, "RUNNING")
    page = operator.post("/servers/echo/", {"verb": "send", "data": "\\q", "to": "all"}, follow=True).content.decode()
    assert "The backslash at position 1 begins no escape" in page
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("127.0.0.1:8000", ""),
        ("192.168.1.5:8000", "192.168.1.5"),
        ("[2001:db8::1]:8000", "2001:db8::1"),
        ("panel.example:8000", ""),
    ],
)
def test_the_address_that_the_panel_was_reached_at(host: str, seen: str) -> None:
    assert page_of.seen(RequestFactory(SERVER_NAME="x").get("/", headers={"host": host})) == seen


def test_the_send_box_knows_who_is_connected(operator: Client, recorded: Callable[..., Server]) -> None:
    recorded(b"one", peer="127.0.0.1:5001")
    assert '<option value="1">to #1 127.0.0.1:5001</option>' in operator.get("/servers/echo/").content.decode()
