"""Whatever is asked of servers stands in the audit: by whom, with the old and the new, also where it failed."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import Error

from services import audit, errors, operations
from services.audit import entries
from services.models import Action, AuditEntry, Server
from services.remote import commands, keys, switch

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


def told() -> list[tuple[str, str, str, str, str]]:
    return list(AuditEntry.objects.order_by("number").values_list("verb", "who", "server", "what", "code"))


def last() -> dict[str, Any]:
    return entries.told(AuditEntry.objects.order_by("number").last())


@pytest.fixture
def lab() -> Server:
    return operations.create({"preset": "echo", "name": "lab", "port": 18_007}, "ada")


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor is alive, and does not answer."""
    monkeypatch.setattr(operations.nodes, "alive", lambda node: True)


def test_a_new_server_is_told_with_all_of_its_configuration(lab: Server):
    found = last()
    assert (found["verb"], found["who"], found["server"]) == ("server.create", "ada", "lab")
    assert found["configuration"]["port"] == 18_007


def test_a_change_is_told_field_by_field(lab: Server):
    operations.change(lab, {"port": 18_008, "reply": {"type": "upper"}, "notes": ""}, "otto")
    found = last()
    assert (found["verb"], found["who"]) == ("server.change", "otto")
    assert set(found["old"]) == set(found["new"]) == {"port", "reply"}
    assert (found["old"]["port"], found["new"]["port"]) == (18_007, 18_008)
    assert found["configuration"]["notes"] == ""


def test_a_change_that_changes_nothing_is_none(lab: Server):
    operations.change(lab, {"port": 18_007}, "ada")
    assert [verb for verb, *_ in told()] == ["server.create"]


def test_starts_stops_and_restarts_are_told(lab: Server, supervised: None):
    for verb in (operations.start, operations.restart, operations.stop):
        verb(lab, "otto")
    assert [(verb, who) for verb, who, *_ in told()][1:] == [
        ("server.start", "otto"),
        ("server.restart", "otto"),
        ("server.stop", "otto"),
    ]


def test_a_removal_is_told_with_what_was_configured(lab: Server):
    operations.remove(lab, "ada")
    found = last()
    assert (found["verb"], found["server"], found["configuration"]["port"]) == ("server.remove", "lab", 18_007)


def test_what_cannot_be_recorded_is_not_done(lab: Server, supervised: None, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise Error("database or disk is full")

    monkeypatch.setattr("services.audit.writing._append", fail)
    for deed in (
        lambda: operations.start(lab, "ada"),
        lambda: operations.change(lab, {"port": 18_009}, "ada"),
        lambda: operations.remove(lab, "ada"),
        lambda: operations.prune(lab, 5, "ada"),
        lambda: operations.create({"preset": "echo", "name": "other"}, "ada"),
        lambda: switch.turn_on("ada"),
    ):
        with pytest.raises(Error):
            deed()
    server = Server.objects.get()
    assert (server.wanted, server.port, Action.objects.count(), switch.is_on()) == ("stopped", 18_007, 0, False)


def test_switch_keys_and_commands_are_told(settings: Any):
    switch.turn_on("ada")
    key, private = keys.generate({"name": "ci"}, "ada")
    keys.change("ci", {"shell": True}, "ada")
    assert (last()["old"], last()["new"]) == ({"shell": False}, {"shell": True})
    keys.revoke("ci", "otto")
    keys.revoke("ci", "otto")
    words = {"host": "192.0.2.7", "port": 9, "key": key.public, "argv": ["uname", "-s"]}
    command = commands.ask(words, "otto")
    assert [(verb, who, what) for verb, who, _, what, _ in told()] == [
        ("remote-commands.on", "ada", ""),
        ("key.create", "ada", "ci"),
        ("key.change", "ada", "ci"),
        ("key.revoke", "otto", "ci"),
        ("command.run", "otto", f"{command.pk}: uname -s"),
    ]
    assert last()["new"]["argv"] == ["uname", "-s"]
    assert private.splitlines()[1] not in json.dumps([entry.details for entry in AuditEntry.objects.all()])


async def test_bytes_are_told_before_they_go_and_a_failure_after(node: Any):
    lab = await node.running(preset="echo", name="lab", port=18_017)
    with pytest.raises(errors.ConnectionUnknown):
        await asyncio.to_thread(operations.send, lab, b"hello\xff", "otto", connection=77)
    rows = [entry async for entry in AuditEntry.objects.order_by("-number")[:2]]
    assert [(row.verb, row.code) for row in rows] == [("send.failed", "SP-2204"), ("send", "")]
    assert (bytes(rows[1].data), rows[1].what) == (b"hello\xff", "connection 77")


async def test_a_running_servers_change_and_its_return_are_told_as_whoever_asked_came(node: Any):
    lab = await node.running(preset="echo", name="lab", port=18_027)
    [created] = await sync_to_async(entries.configurations_of)(lab)

    def change() -> None:
        with audit.coming_from("api", "192.0.2.7"), audit.with_token(3, "nightly test"):
            operations.change(lab, {"reply": {"type": "upper"}}, "otto")
            operations.restore(lab, created.number, "ada")

    await asyncio.to_thread(change)
    restored, changed = [entry async for entry in AuditEntry.objects.order_by("-number")[:2]]
    assert (changed.verb, changed.who, changed.way, changed.source) == ("server.change", "otto", "api", "192.0.2.7")
    assert entries.told(changed)["token"] == {"id": 3, "name": "nightly test"}
    assert (restored.verb, restored.what, restored.way) == (
        "server.restore",
        f"as entry {created.number} has it",
        "api",
    )
    assert (await node.look(lab))["reply"]["type"] == "echo"


@pytest.mark.parametrize(
    "text", ["sp_" + "7" * 43, "-----BEGIN PRIVATE KEY-----\nMIG2\n-----END PRIVATE KEY-----"], ids=["token", "key"]
)
@pytest.mark.parametrize("words", [{"reply": {"type": "fixed", "text": "%s"}}, {"notes": "use %s"}])
def test_a_configuration_whose_secret_was_not_kept_does_not_come_back(text: str, words: dict[str, Any], lab: Server):
    operations.change(lab, json.loads(json.dumps(words).replace("%s", json.dumps(text)[1:-1])), "ada")
    number = AuditEntry.objects.latest("number").number
    operations.change(lab, {"reply": {"type": "upper", "text": ""}, "notes": "none"}, "ada")
    with pytest.raises(
        errors.EntryUnknown, match=f"does not hold all of lab: there was a secret in {next(iter(words))},"
    ):
        operations.restore(lab, number, "otto")
    lab.refresh_from_db()
    assert (lab.reply["type"], lab.notes) == ("upper", "none")


def test_an_earlier_configuration_comes_back_under_the_name_of_today(lab: Server):
    created = AuditEntry.objects.get()
    operations.change(lab, {"name": "bench", "port": 18_008, "limits": {"connections": 5}}, "ada")
    lab.refresh_from_db()
    operations.restore(lab, created.number, "otto")
    lab.refresh_from_db()
    assert (lab.name, lab.port, lab.limits["connections"]) == (
        "bench",
        18_007,
        entries.told(created)["configuration"]["limits"]["connections"],
    )
    assert (last()["verb"], last()["who"]) == ("server.restore", "otto")


@pytest.mark.parametrize("number", [0, -1, 99, 2**70])
def test_what_is_no_entry_of_that_server_cannot_be_restored(lab: Server, number: int):
    with pytest.raises(errors.EntryUnknown):
        operations.restore(lab, number, "ada")


def test_another_servers_configuration_cannot_be_restored(lab: Server):
    other = operations.create({"preset": "echo", "name": "other", "port": 18_011}, "ada")
    with pytest.raises(errors.EntryUnknown):
        operations.restore(other, 1, "ada")
    assert lab.pk != other.pk
