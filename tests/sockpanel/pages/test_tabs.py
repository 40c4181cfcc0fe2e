"""The other tabs of a server: connections, history, settings."""

from collections.abc import Callable

import pytest
from django.test import Client

from services.models import Connection, Run, Server, StateChange
from tests.sockpanel.pages.conftest import AT, stands

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def settings_of(client: Client, **changes: str) -> dict[str, str]:
    """What the form of the settings would send."""
    groups = client.get("/servers/echo/settings/").context["groups"]
    fields = {one.field.name: one.value for group in groups for one in group.fields}
    return {name: str(value) for name, value in fields.items() if value not in ("", None, False)} | changes


def test_connections_say_who_since_when_and_how_much(viewer: Client, recorded: Callable[..., Server]) -> None:
    recorded(b"one")
    page = viewer.get("/servers/echo/connections/").content.decode()
    assert "127.0.0.1:5000" in page
    assert "open" in page
    assert 'name="number"' not in page


def test_connections_say_what_tls_agreed_on_and_who_the_client_is(
    viewer: Client, recorded: Callable[..., Server]
) -> None:
    facts = {
        "tls_version": "TLS 1.3",
        "tls_cipher": "TLS_AES_256_GCM_SHA384",
        "tls_name": "lab.lan",
        "tls_client": "CN=<b>pump",
        "tls_client_sha256": "ab" * 32,
    }
    Connection.objects.filter(server_id=recorded(b"one").pk).update(**facts)
    page = viewer.get("/servers/echo/connections/").content.decode()
    assert "TLS 1.3 for lab.lan" in page
    assert "CN=&lt;b&gt;pump" in page
    assert "ab" * 32 in page
    opening = "TLS 1.3, for lab.lan, from CN=&lt;b&gt;pump, TLS_AES_256_GCM_SHA384"
    assert opening in viewer.get("/servers/echo/").content.decode()


def test_an_open_connection_can_be_closed_while_it_runs(
    operator: Client, recorded: Callable[..., Server], supervised: None
) -> None:
    stands(recorded(b"one"), "RUNNING")
    assert 'name="number" value="1"' in operator.get("/servers/echo/connections/").content.decode()


def test_older_connections_are_a_page_further(viewer: Client, echo: Server) -> None:
    Connection.objects.bulk_create(
        Connection(server_id=echo.pk, number=number, run=1, peer="p", opened_at=AT, closed_at=AT, last_at=AT)
        for number in range(1, 202)
    )
    assert 'href="?before=2"' in viewer.get("/servers/echo/connections/").content.decode()
    assert viewer.get("/servers/echo/connections/?before=2").content.decode().count("<tr class=") == 1
    assert viewer.get("/servers/echo/connections/?before=²").status_code == 200


def test_history_tells_runs_states_and_last_words(viewer: Client, echo: Server) -> None:
    Run.objects.create(
        server_id=echo.pk,
        number=1,
        pid=77,
        process_start=1,
        started_at=AT,
        ended_at=AT + 1_500_000,
        signal=9,
        stderr="Traceback\n\x1b[31mboom",
    )
    StateChange.objects.create(server_id=echo.pk, at=AT, old="STOPPED", new="STARTING", reason="asked for", who="ada")
    page = viewer.get("/servers/echo/history/").content.decode()
    assert "signal 9" in page
    assert "1.5 s" in page
    assert "Traceback\n\\x1b[31mboom" in page
    assert "asked for" in page
    assert "Starting" in page


def test_settings_are_saved_and_kept(admin: Client, echo: Server) -> None:
    answer = admin.post("/servers/echo/settings/", settings_of(admin, port="9108", notes="moved"))
    assert answer["Location"] == "/servers/echo/settings/"
    echo.refresh_from_db()
    assert (echo.port, echo.notes, echo.reply["type"]) == (9108, "moved", "echo")


def test_saving_unchanged_changes_nothing(admin: Client, echo: Server) -> None:
    before = Server.objects.values().get()
    admin.post("/servers/echo/settings/", settings_of(admin))
    after = Server.objects.values().get()
    assert {key for key in before if before[key] != after[key]} <= {"revision", "updated_at"}


def test_a_limit_that_is_emptied_is_gone(admin: Client, echo: Server) -> None:
    admin.post("/servers/echo/settings/", settings_of(admin, **{"retention.rows": "", "retention.age": "60"}))
    echo.refresh_from_db()
    assert echo.retention == {"age": 60}


def test_another_name_is_another_address(admin: Client, echo: Server) -> None:
    assert admin.post("/servers/echo/settings/", settings_of(admin, name="lab"))["Location"] == "/servers/lab/settings/"


def test_a_change_that_makes_no_sense_changes_nothing(admin: Client, echo: Server) -> None:
    answer = admin.post("/servers/echo/settings/", settings_of(admin, port="0", name="x"))
    assert answer.status_code == 422
    assert "The port is a whole number from 1 to 65535." in answer.content.decode()
    echo.refresh_from_db()
    assert (echo.name, echo.port) == ("echo", 8007)


def test_settings_are_read_by_all_and_changed_by_admins(operator: Client, echo: Server) -> None:
    assert "<fieldset disabled>" in operator.get("/servers/echo/settings/").content.decode()
    assert operator.post("/servers/echo/settings/", {"name": "mine"}).status_code == 403


def test_a_part_fetched_anew_leaves_the_word_on_what_was_done_to_the_next_page(admin: Client, echo: Server) -> None:
    admin.post("/servers/echo/settings/", settings_of(admin, notes="moved"))
    assert "echo is saved." not in admin.get("/servers/echo/history/", headers={"X-Part": "1"}).content.decode()
    assert "echo is saved." in admin.get("/servers/echo/history/").content.decode()


def test_who_may_not_change_a_server_reads_which_role_does(operator: Client, admin: Client, echo: Server) -> None:
    said = b"To change this needs the role admin: ask an admin for it."
    assert said in operator.get(f"/servers/{echo.name}/settings/").content
    assert said not in admin.get(f"/servers/{echo.name}/settings/").content
