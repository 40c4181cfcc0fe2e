"""Servers in Django's admin: through the same doors, with the same sentences."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from services import operations
from services.models import Server
from sockpanel.accounts.models import User
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def admin(client: Client, ada: User) -> Client:
    client.force_login(ada, BACKEND)
    return client


def form(**words: Any) -> dict[str, Any]:
    """The fields of the admin's form, filled in."""
    parts = dict.fromkeys(("framing", "reply", "options", "limits"), "{}")
    plain = {"name": "lab", "kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": free_port()}
    return {**plain, **parts, "restart": "never", "retention": '{"rows": 5}', "node": "local", "notes": "", **words}


@pytest.mark.parametrize("limits", ["[" * 19_000, "[" * 30_000])
def test_json_that_is_too_deep_or_too_long_is_none(admin: Client, limits: str):
    answer = admin.post("/admin/services/server/add/", form(limits=limits))
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["limits"]
    assert not Server.objects.exists()


NINES = "9" * 24


@pytest.mark.parametrize("words", [{"limits": f'{{"connections": {"9" * 5000}}}'}, {"options": r'"\ud800"'}])
def test_what_no_column_and_no_text_can_hold_is_refused_in_a_form(admin: Client, words: dict[str, str]):
    assert admin.post("/admin/services/server/add/", form(**words)).status_code in (200, 422)
    assert not Server.objects.exists()


@pytest.mark.parametrize(
    "address",
    [f"services/server/?id__in={NINES}", "accounts/user/?last_login__year=99999", f"accounts/user/?id={NINES}"],
)
def test_nor_is_it_looked_for_in_a_list(admin: Client, address: str):
    assert admin.get(f"/admin/{address}").status_code in (200, 302, 422)


@pytest.mark.parametrize("port", ["1_0", "٨٠", "+80", "８０", " 80"])
def test_a_port_is_written_in_digits(admin: Client, port: str):
    server = operations.create({"preset": "echo", "name": "lab"}, "otto")
    answer = admin.post(f"/admin/services/server/{server.pk}/change/", form(port=port))
    assert list(answer.context["adminform"].form.errors) == ["port"]
    assert Server.objects.get().port == server.port


def test_a_server_is_made_by_the_operation(admin: Client):
    answer = admin.post("/admin/services/server/add/", form(reply='{"type": "echo"}'))
    assert answer.status_code == 302
    server = Server.objects.get()
    assert (server.name, server.reply["type"], server.asked_by) == ("lab", "echo", "ada")


def test_what_makes_no_sense_is_told_beside_its_field_and_nothing_is_made(admin: Client):
    answer = admin.post("/admin/services/server/add/", form(name="No Slug", port=0, reply='{"type": "shout"}'))
    errors = answer.context["adminform"].form.errors
    assert set(errors) >= {"name"}
    answer = admin.post("/admin/services/server/add/", form(port=0, reply='{"type": "shout"}'))
    assert set(answer.context["adminform"].form.errors) == {"port", "reply"}
    assert not Server.objects.exists()


def test_a_name_that_is_taken_is_told_beside_the_name(admin: Client):
    operations.create({"preset": "echo", "name": "lab"}, "ada")
    answer = admin.post("/admin/services/server/add/", form())
    assert set(answer.context["adminform"].form.errors) == {"name"}


def test_a_server_is_changed_by_the_operation(admin: Client):
    server = operations.create({"preset": "echo", "name": "lab"}, "otto")
    answer = admin.post(f"/admin/services/server/{server.pk}/change/", form(notes="on the bench"))
    assert answer.status_code == 302
    before, server = server, Server.objects.get()
    assert server.notes == "on the bench"
    assert server.revision == before.revision + 1


def act(client: Client, action: str, *servers: Server) -> str:
    """What the list says last after an action on these servers."""
    data = {"action": action, "_selected_action": [server.pk for server in servers], "post": "yes"}
    answer = client.post("/admin/services/server/", data)
    return [str(message) for message in get_messages(answer.wsgi_request)][-1]


def test_actions_ask_through_the_operations_and_tell_why_not(admin: Client):
    server = operations.create({"preset": "echo", "name": "lab"}, "ada")
    assert act(admin, "stop", server) == "lab: asked to stop."
    assert Server.objects.get().asked == server.asked + 1
    assert act(admin, "start", server).startswith("lab: No supervisor runs")


def test_servers_are_deleted_by_the_operation(admin: Client):
    first, second = (operations.create({"preset": "echo", "name": name}, "ada") for name in ("one", "two"))
    act(admin, "delete_selected", first)
    assert [server.name for server in Server.objects.all()] == ["two"]
    admin.post(f"/admin/services/server/{second.pk}/delete/", {"post": "yes"})
    assert not Server.objects.exists()


def test_only_an_admin_gets_in_and_its_sign_in_is_the_panels(client: Client, otto: User, ada: User):
    assert client.get("/admin/").headers["Location"] == "/login/?next=/admin/"
    client.force_login(otto, BACKEND)
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/login/?next=/admin/").status_code == 403
