"""The home page: a row for each server, what it says, who may do what."""

from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from services import operations
from services.models import Server
from sockpanel.pages import servers
from tests.sockpanel.pages.conftest import stands

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def test_without_a_server_the_presets_are_on_offer_with_their_lines(admin: Client) -> None:
    page = admin.get("/servers/").content.decode()
    assert page.count('name="preset"') == len(servers.presets()) >= 13
    assert "printf &#x27;abc&#x27; | nc -N 127.0.0.1 8007" in page


def test_a_viewer_is_offered_nothing_to_start(viewer: Client, echo: Server) -> None:
    page = viewer.get("/servers/").content.decode()
    assert "echo" in page
    assert 'data-verb="start"' not in page
    assert "data-bulk" not in page
    assert "New server" not in page


def test_a_row_shows_state_address_and_the_last_message(
    admin: Client, recorded: Callable[..., Server], supervised: None
) -> None:
    stands(recorded(b"one", b"\x02two\r\n"), "RUNNING", address="127.0.0.1:8007")
    page = admin.get("/servers/").content.decode()
    assert 'data-state="RUNNING"' in page
    assert "127.0.0.1:8007" in page
    assert '<span class="mark">\\x02</span>two<span class="mark">\\r\\n</span>' in page


def test_an_empty_last_message_is_one(admin: Client, recorded: Callable[..., Server]) -> None:
    server = recorded(b"one", b"")
    assert servers.last_messages([(server.pk, 2)])[server.pk]["head"] == b""
    assert admin.get("/servers/").status_code == 200


def test_the_reason_of_a_failure_stands_in_the_row(admin: Client, echo: Server, supervised: None) -> None:
    stands(echo, "FATAL", "Port 8007 on 127.0.0.1 is in use by pid 1 (nc): stop it.")
    page = admin.get("/servers/").content.decode()
    assert "data-reason>Port 8007 on 127.0.0.1 is in use by pid 1 (nc): stop it.</td>" in page


def test_the_reason_of_a_stop_that_was_asked_for_is_no_news(admin: Client, echo: Server, supervised: None) -> None:
    stands(echo, "STOPPED", "It has stopped.")
    assert "data-reason hidden>It has stopped.</td>" in admin.get("/servers/").content.decode()


def test_a_search_hides_what_does_not_match(admin: Client, echo: Server) -> None:
    operations.create({"preset": "sink", "notes": "hall THREE"}, "ada")
    page = admin.get("/servers/?q=three").content.decode()
    assert '<tr role="row" hidden data-name="echo"' in page
    assert '<tr role="row" data-name="sink"' in page


def test_the_last_messages_come_as_json_for_the_script(admin: Client, recorded: Callable[..., Server]) -> None:
    recorded(b"\xff\x00")
    last = admin.get("/servers/?last").json()["echo"]["last"]
    assert (last["head"], last["direction"], last["size"]) == ("/wA=", "in", 2)


def test_a_hundred_servers_cost_as_many_queries_as_one(admin: Client) -> None:
    def queries() -> int:
        with (
            CaptureQueriesContext(connections["default"]) as control,
            CaptureQueriesContext(connections["messages"]) as messages,
        ):
            assert admin.get("/servers/").status_code == 200
        return len(control) + len(messages)

    operations.create({"preset": "sink", "name": "s0"}, "ada")
    queries()  # the first one writes the session
    one = queries()
    sink = Server.objects.get()
    for number in range(1, 100):
        sink.pk, sink.name = None, f"s{number}"
        sink.save(force_insert=True)
    assert queries() == one


def test_hostile_words_stay_words(admin: Client, recorded: Callable[..., Server], supervised: None) -> None:
    stands(recorded(b"<script>alert(1)</script>"), "FATAL", "<img src=x onerror=alert(1)>\u202e")
    page = admin.get("/servers/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&lt;U+202E&gt;" in page


def test_a_bulk_action_is_for_operators(viewer: Client, echo: Server) -> None:
    assert viewer.post("/servers/", {"verb": "start", "name": "echo"}).status_code == 403
    echo.refresh_from_db()
    assert echo.asked == 0


def test_many_are_stopped_by_one_form(operator: Client, echo: Server) -> None:
    operations.create({"preset": "sink"}, "ada")
    answer = operator.post("/servers/", {"verb": "stop", "name": ["echo", "sink"]}, follow=True)
    assert "echo is stopped." in answer.content.decode()
    assert "sink is stopped." in answer.content.decode()
    assert set(Server.objects.values_list("asked_by", flat=True)) == {"otto"}


def test_without_a_supervisor_a_start_says_so_and_the_banner_too(operator: Client, echo: Server) -> None:
    page = operator.post("/servers/", {"verb": "start", "name": "echo"}, follow=True).content.decode()
    assert page.count("No supervisor runs on node local: start Sockpanel with manage.py up") >= 2


def test_a_verb_that_there_is_not_is_refused_and_does_nothing(operator: Client, echo: Server) -> None:
    assert operator.post("/servers/", {"verb": "explode", "name": "echo"}).status_code == 422
    echo.refresh_from_db()
    assert echo.asked == 0


def test_nobody_signed_out_sees_anything(client: Client, ada: object) -> None:
    for path in ("/servers/", "/servers/new/", "/servers/echo/", "/client/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/")
