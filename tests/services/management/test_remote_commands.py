"""`manage.py remote_commands`: off until it is said here; off means that nothing runs any more, and the exit code tells the truth."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services.management.commands import remote_commands
from services.models import Server, Status
from services.remote import switch
from tests.ports import free_port
from tests.waiting import eventually_async

both = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

Manage = Callable[..., Awaitable[Any]]
Begin = Callable[..., Awaitable[Any]]


@both
async def test_on_and_off_and_what_stands(manage: Manage) -> None:
    first = await manage("remote_commands", "status")
    assert (first.code, first.out) == (0, f"{switch.HOW}\n")
    turned = await manage("remote_commands", "on")
    assert (turned.code, turned.out.startswith("Remote commands are on. Make a server")) == (0, True)
    assert "Last switched on by " in (await manage("remote_commands", "status")).out
    done = await manage("remote_commands", "off")
    assert (done.code, done.out) == (0, "Remote commands are off, and no server that runs them is left.\n")
    assert not await sync_to_async(switch.is_on)()


@both
async def test_a_script_reads_json(manage: Manage) -> None:
    turned = await manage("remote_commands", "on", "--json")
    assert (turned.code, turned.json) == (0, {"on": True, "reason": "", "running": []})
    assert (await manage("remote_commands", "off", "--json")).json["on"] is False
    assert (await manage("remote_commands", "status", "--json")).json["reason"] == switch.HOW


@both
async def test_what_stays_off_for_another_reason_is_no_success(manage: Manage, settings: Any) -> None:
    settings.SOCKPANEL_REMOTE_COMMANDS = "off"
    turned = await manage("remote_commands", "on", "--json")
    assert (turned.code, turned.json["on"]) == (1, False)
    assert "SOCKPANEL_REMOTE_COMMANDS is `off` in the environment" in turned.err


@both
async def test_off_waits_until_nothing_runs_and_names_who_is_left(node: Any, manage: Manage) -> None:
    await manage("remote_commands", "on")
    server = await node.running(name="lab", preset="command", port=free_port(), options={"shell": True})
    told = await manage("remote_commands", "status")
    assert "lab runs, with a free command line." in told.out
    assert (await manage("remote_commands", "status", "--json")).json["running"] == [
        {"name": "lab", "shell": True, "dialect": "frames"}
    ]
    assert (await manage("remote_commands", "off")).code == 0
    assert (await node.look(server))["state"] == "STOPPED"


@both
async def test_off_says_when_somebody_does_not_end(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"name": "lab", "kind": "command", "transport": "tcp", "host": "127.0.0.1"}
    server = await Server.objects.acreate(**words)
    await Status.objects.acreate(server_id=server.pk, state="RUNNING", since=1)
    monkeypatch.setattr("services.nodes.alive", lambda node: True)
    monkeypatch.setattr(remote_commands, "END_WITHIN", 0.01)
    done = await manage("remote_commands", "off")
    assert (done.code, done.out) == (1, "")
    assert done.err == "Remote commands are off, but lab runs still: look at the supervisor's log.\n"


def sleeping() -> list[int]:
    """Who sleeps for the test below."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == b"sleep\x004917\0":
                found.append(int(path.parent.name))
        except OSError:  # it ended just now
            pass
    return found


async def test_after_the_supervisor_is_killed_nothing_runs_and_the_row_says_that_it_was_cut(
    begin: Begin, books: Any
) -> None:
    port = str(free_port())
    assert (await (await begin("remote_commands", "on")).finished()).code == 0
    add = ("--preset", "command", "--port", port, "--set", "options.shell=true", "--set", "options.timeout=300")
    assert (await (await begin("servers", "add", "desk", *add)).finished()).code == 0
    supervisor = await begin("supervise")
    await eventually_async(lambda: (books.directory / "supervisor-local.lock").exists(), 30)
    started = await (await begin("servers", "start", "desk")).finished()
    assert started.code == 0, started.err
    client = await begin("client", "command", "127.0.0.1", port, "--shell", "--", "sleep 4917")
    await eventually_async(sleeping, 20)
    os.kill(supervisor.process.pid, signal.SIGKILL)
    await eventually_async(lambda: not sleeping(), 5)
    assert (await client.finished()).code != 0
    rows = "SELECT argv, ended_at IS NULL, exit_code, why FROM services_execution"
    assert books._run("messages", rows, ()) == [('["sleep 4917"]', 1, None, "")]
    await begin("supervise")
    await eventually_async(lambda: not books._run("messages", rows, ())[0][1], 20)
    assert books._run("messages", rows, ()) == [('["sleep 4917"]', 0, None, "the supervisor ended without a word")]
