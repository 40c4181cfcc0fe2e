"""A new server, by one click or by the form."""

import socket
from unittest.mock import patch

import msgspec
import pytest
from django.test import Client

from services.models import Server
from services.presets import PRESETS

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

FORM = {
    "name": "lab", "kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": "9107", "reply.type": "echo",
    "framing.type": "none", "framing.size": "0", "framing.max_bytes": "1000", "restart": "never", "retention.rows": "50",
}  # fmt: skip


def test_one_click_makes_a_server_of_a_preset(admin: Client) -> None:
    answer = admin.post("/servers/new/", {"preset": "echo"})
    assert answer["Location"] == "/servers/echo/"
    assert Server.objects.get().reply["type"] == "echo"


def test_a_second_click_takes_the_next_free_name(admin: Client) -> None:
    for name in ("echo", "echo-2", "echo-3"):
        assert admin.post("/servers/new/", {"preset": "echo"})["Location"] == f"/servers/{name}/"


def test_a_second_click_takes_the_next_free_port_and_says_so(admin: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        own = holder.getsockname()[1]
        preset = msgspec.structs.replace(PRESETS["echo"], server={**PRESETS["echo"].server, "port": own})
        with patch.dict(PRESETS, echo=preset):
            page = admin.post("/servers/new/", {"preset": "echo"}, follow=True).content.decode()
            admin.post("/servers/new/", {"preset": "echo"})
    first, second = Server.objects.order_by("id").values_list("port", flat=True)
    assert own < first < second
    assert f"Port {own} is taken, so it serves on {first}." in page


def test_the_form_makes_what_it_says(admin: Client) -> None:
    answer = admin.post("/servers/new/", {**FORM, "verb": "create", "reply.close": "on", "notes": "hall 3"})
    assert answer["Location"] == "/servers/lab/"
    server = Server.objects.get()
    assert (server.port, server.restart, server.retention, server.notes) == (9107, "never", {"rows": 50}, "hall 3")
    assert (server.reply["type"], server.reply["close"], server.framing["max_bytes"]) == ("echo", True, 1048576)


def test_fields_that_do_not_apply_are_left_out(admin: Client) -> None:
    words = {**FORM, "kind": "udp", "framing.type": "line", "options.interval": "nonsense", "options.format": "%Q"}
    admin.post("/servers/new/", words)
    server = Server.objects.get()
    assert (server.transport, server.framing["type"], server.options) == ("udp", "none", {})


def test_problems_stand_beside_their_fields_and_the_values_are_kept(admin: Client) -> None:
    answer = admin.post("/servers/new/", {**FORM, "name": "No Good", "port": "70000", "notes": "keep me"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert not Server.objects.exists()
    assert 'value="No Good"' in page
    assert 'value="70000"' in page
    assert "keep me" in page
    assert "A name is 1 to 64 small letters" in page
    assert "The port is a whole number from 1 to 65535." in page
    assert 'href="#f-port"' in page


def test_what_is_no_number_is_told_as_such(admin: Client) -> None:
    page = admin.post("/servers/new/", {**FORM, "framing.type": "fixed", "framing.size": "ten"}).content.decode()
    assert "Bytes: write a number, in digits." in page


def test_a_problem_in_a_folded_group_unfolds_it(admin: Client) -> None:
    page = admin.post("/servers/new/", {**FORM, "retention.rows": "0"}).content.decode()
    kept = page[page.index("What is kept") - 80 :]
    assert kept.startswith('<details class="group" data-group open>') or "data-group open" in kept[:80]


def test_a_name_taken_is_told_beside_the_name(admin: Client, echo: Server) -> None:
    page = admin.post("/servers/new/", {**FORM, "name": "echo"}).content.decode()
    assert "Another server is named &#x27;echo&#x27;: choose another name." in page


def test_a_port_in_use_is_saved_with_a_warning_beside_it(admin: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        answer = admin.post("/servers/new/", {**FORM, "port": str(port), "verb": "create"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/servers/lab/settings/"
    assert f"Port {port} on 127.0.0.1 is in use by pid" in answer.content.decode()


def test_the_address_can_be_tried_before_it_is_saved(admin: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        taken = admin.get("/servers/new/address/", {**FORM, "port": port}).json()["warning"]
    assert taken.startswith(f"Port {port} on 127.0.0.1 is in use by pid")
    assert admin.get("/servers/new/address/", {**FORM, "port": port}).json() == {"warning": None}
    assert admin.get("/servers/new/address/", {**FORM, "port": "x"}).json() == {"warning": None}
    assert not Server.objects.exists()


def test_the_form_can_be_filled_from_a_preset(admin: Client) -> None:
    page = admin.get("/servers/new/?preset=timestamp").content.decode()
    assert 'value="timestamp" placeholder' in page
    assert 'value="8080"' in page
    assert 'value="0.0.0.0"' in page
    assert '<option value="timestamp" selected>' in page


def test_an_unknown_preset_is_told_and_makes_nothing(admin: Client) -> None:
    page = admin.post("/servers/new/", {"preset": "nope"}, follow=True).content.decode()
    assert "There is no preset" in page
    assert not Server.objects.exists()


@pytest.mark.parametrize("path", ["/servers/new/", "/servers/new/address/"])
def test_only_admins_configure(operator: Client, path: str) -> None:
    assert operator.get(path).status_code == 403
    assert operator.post("/servers/new/", {"preset": "echo"}).status_code == 403
    assert not Server.objects.exists()


def test_no_server_takes_the_address_of_this_page(admin: Client) -> None:
    page = admin.post("/servers/new/", {**FORM, "name": "new"}).content.decode()
    assert "new is the address of a page" in page
    assert not Server.objects.exists()
