"""The page of keys: for admins, a private half shown once, problems beside their fields."""

import re

import pytest
from django.test import Client

from services import operations
from services.models import Key
from services.remote import files, keys, switch
from sockpanel.pages.keys import words
from tests.sockpanel.pages.conftest import stands

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"  # RFC 8032, 7.1, test 1
NEW = {"verb": "create", "how": "paste", "name": "lab", "public": PUBLIC, "expires_at": "2099-01-31"}


def text(client: Client, query: str = "") -> str:
    return client.get(f"/commands/keys/{query}").content.decode()


def test_keys_are_for_admins(operator: Client, viewer: Client) -> None:
    for client in (operator, viewer):
        assert client.get("/commands/keys/").status_code == 403
        assert client.post("/commands/keys/", NEW).status_code == 403
    assert not Key.objects.exists()


def test_a_pasted_key_is_registered_and_listed_with_its_restrictions(admin: Client) -> None:
    answer = admin.post(
        "/commands/keys/", NEW | {"servers": "hall-3, hall-4", "sources": "192.0.2.0/24 ::1", "commands": "uname"}
    )
    assert answer.status_code == 302
    key = Key.objects.get()
    assert (key.servers, key.sources, key.commands, key.shell) == (
        ["hall-3", "hall-4"],
        ["192.0.2.0/24", "::1/128"],
        ["uname"],
        False,
    )
    page = text(admin)
    for part in (keys.fingerprint(key), "hall-3, hall-4", "192.0.2.0/24", "2099-01-31", "never"):
        assert part in page


def test_what_a_key_names_and_nobody_has_is_said(admin: Client) -> None:
    admin.post("/commands/keys/", NEW | {"commands": "nope"})
    assert "No server allows nope." in text(admin)
    assert admin.get("/api/v1/keys").json()["keys"][0]["warnings"] == ["No server allows nope."]


def test_a_private_key_that_is_made_here_is_in_one_answer_and_nowhere_else(admin: Client) -> None:
    answer = admin.post("/commands/keys/", NEW | {"how": "generate"})
    shown = re.search(r"<pre data-private>(.*?)</pre>", answer.content.decode(), re.DOTALL)
    assert shown
    assert "PRIVATE KEY" in shown[1]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "PRIVATE" not in text(admin)
    assert Key.objects.get().public != PUBLIC


def test_the_line_to_use_it_with_names_a_server_that_runs(admin: Client, supervised: None) -> None:
    switch.turn_on("ada")
    server = operations.create({"name": "hall-3", "kind": "command", "port": 9907, "options": {"shell": True}}, "ada")
    stands(server, "RUNNING")
    page = admin.post("/commands/keys/", NEW | {"how": "generate"}).content.decode()
    wanted = (
        f"manage.py client command 127.0.0.1 9907 --key lab.key --server-key {files.server_public(server.pk).hex()}"
    )
    assert f"chmod 600 lab.key &amp;&amp; {wanted}" in page


def test_a_problem_stands_beside_its_field_and_what_was_typed_stays(admin: Client) -> None:
    answer = admin.post("/commands/keys/", NEW | {"public": "no key", "sources": "192.0.2.0/24"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This is no public Ed25519 key" in page.split('data-key-field="public"')[1].split("data-key-field")[0]
    assert 'value="192.0.2.0/24"' in page
    assert ">no key</textarea>" in page


def test_restrictions_are_changed_and_the_key_is_not(admin: Client) -> None:
    admin.post("/commands/keys/", NEW)
    assert 'name="name" value="lab"' in text(admin, "?change=lab")
    admin.post(
        "/commands/keys/", {"verb": "change", "name": "lab", "shell": "on", "expires_at": "", "public": "00" * 32}
    )
    key = Key.objects.get()
    assert (key.shell, key.expires_at, key.public) == (True, None, PUBLIC)


def test_a_change_that_makes_no_sense_leads_back_to_the_form_of_that_key(admin: Client) -> None:
    admin.post("/commands/keys/", NEW)
    answer = admin.post("/commands/keys/", {"verb": "change", "name": "lab", "sources": "here"})
    assert answer.status_code == 422
    assert "Change lab" in answer.content.decode()


def test_a_revoked_key_stays_in_the_list_and_has_no_buttons(admin: Client) -> None:
    admin.post("/commands/keys/", NEW)
    admin.post("/commands/keys/", {"verb": "revoke", "name": "lab"})
    page = text(admin)
    assert "revoked" in page
    assert "Change or revoke lab" not in page
    assert Key.objects.get().revoked_by == "ada"


def test_a_key_that_is_gone_is_told(admin: Client) -> None:
    answer = admin.post("/commands/keys/", {"verb": "revoke", "name": "nobody"}, follow=True)
    assert "There is no key named" in answer.content.decode()


def test_an_expired_key_says_so(admin: Client) -> None:
    admin.post("/commands/keys/", NEW)
    admin.post("/commands/keys/", {"verb": "change", "name": "lab", "expires_at": "2020-01-31"})
    assert "expired" in text(admin)


def test_the_panels_own_key_is_there_to_be_registered_elsewhere(admin: Client) -> None:
    page = text(admin)
    assert files.panel_public().hex() in page
    assert "ssh-ed25519 AAAA" in page


def test_words_that_a_form_sends() -> None:
    told = words({"verb": "create", "name": " lab ", "public": "x", "servers": "a,b  c", "expires_at": "2027-01-31"})
    assert told["servers"] == ["a", "b", "c"]
    assert (told["name"], told["commands"], told["sources"]) == ("lab", None, [])
    assert told["expires_at"] == "2027-01-31T00:00:00Z"
