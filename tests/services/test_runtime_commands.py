"""Remote commands from the switch to the row: run by real workers, written down before, ended when anybody says so."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from django.db import OperationalError

from services import operations
from services.client.commands import Event, Exit, Output, Session, Started, Target, connect
from services.errors import (
    CommandInterrupted,
    CommandNotRecorded,
    RemoteCommandsOff,
    SessionRefused,
    SockpanelError,
)
from services.execution_jobs import BeginCommand
from services.models import Execution, Key, Server
from services.remote import files, keys, switch
from tests.ports import free_port
from tests.waiting import deadline, eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

WITHIN = 5.0  # seconds from the word that ends commands to their end
SLEEP = {"id": "sleep", "program": "/usr/bin/sleep", "arguments": [{"name": "seconds", "low": 0, "high": 9_999}]}
OPTIONS = {"commands": [SLEEP], "shell": True, "timeout": 300.0}


@pytest.fixture
async def on(node: Any) -> None:
    await asyncio.to_thread(switch.turn_on, "ada")


@pytest.fixture
async def lab(node: Any, on: None) -> Server:
    """A remote-command server that runs."""
    return await node.running(name="lab", preset="command", port=free_port(), options=OPTIONS)


@contextlib.asynccontextmanager
async def session(server: Server, private: Any = None) -> AsyncIterator[Session]:
    """As the panel, or whoever has `private`."""
    target = Target("127.0.0.1", server.port, await sync_to_async(files.server_public)(server.pk))
    async with connect(target, private or await sync_to_async(files.panel_key)()) as it:
        yield it


async def ran(server: Server, line: str) -> list[Event]:
    async with session(server) as it, it.run(shell=line, who="otto") as running:
        return [event async for event in running]


def processes(seconds: int) -> list[int]:
    """Who sleeps that long."""
    words = b"/usr/bin/sleep\0%d\0" % seconds
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _words(path) == words]


def _words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended just now
        return b""


class Sleeping:
    """A command that runs, and its client's view of it."""

    _lengths = iter(range(5_000 + os.getpid() % 400 * 10, 9_999))

    def __init__(self) -> None:
        self.seconds = next(self._lengths)
        self.started = asyncio.Event()
        self.outcome: asyncio.Task[Any] | None = None

    async def run(self, server: Server, private: Any = None) -> Exit | SockpanelError:
        try:
            async with session(server, private) as it, it.run(argv=["sleep", str(self.seconds)]) as running:
                async for event in running:
                    if isinstance(event, Started):
                        self.started.set()
                    if isinstance(event, Exit):
                        return event
        except SockpanelError as error:
            return error
        raise AssertionError("neither an end nor an error")


@contextlib.asynccontextmanager
async def sleeping(server: Server, private: Any = None) -> AsyncIterator[Sleeping]:
    """A command that runs while the block begins, and not much longer than it."""
    it = Sleeping()
    it.outcome = asyncio.create_task(it.run(server, private), name="sleeping")
    try:
        async with deadline():
            await it.started.wait()
        await eventually_async(lambda: len(processes(it.seconds)) == 1)
        yield it
    finally:
        it.outcome.cancel()
        await asyncio.gather(it.outcome, return_exceptions=True)


async def rows(server: Server) -> list[Execution]:
    return [row async for row in Execution.objects.filter(server_id=server.pk).order_by("id")]


async def ended(server: Server) -> Execution:
    """The newest command, once its row says how it ended."""
    return await eventually_async(
        lambda: Execution.objects.filter(server_id=server.pk).exclude(ended_at=None).order_by("-id").afirst()
    )


@pytest.fixture
def counter() -> Iterator[Path]:
    """A file that commands may write to, whoever they run as."""
    with tempfile.TemporaryDirectory(prefix="sp-count-") as directory:
        path = Path(directory) / "lines"
        path.touch()
        path.chmod(0o666)
        Path(directory).chmod(0o755)
        yield path


# What is written down


async def test_a_command_is_written_down_with_who_asked_and_how_it_ended(node, lab):
    events = await ran(lab, "printf abc; printf de >&2; exit 3")
    assert sorted(event.data for event in events if isinstance(event, Output)) == [b"abc", b"de"]
    row = await ended(lab)
    assert (row.key, row.who, row.command, row.argv) == (
        "the panel",
        "otto",
        "shell",
        ["printf abc; printf de >&2; exit 3"],
    )
    assert (row.exit_code, row.signal, row.why, row.stdout_bytes, row.stderr_bytes) == (3, None, "", 3, 2)
    assert (row.source.startswith("127.0.0.1:"), row.is_new_source, row.at <= row.ended_at) == (True, True, True)


async def test_a_refused_command_is_written_down_too(node, lab):
    async with session(lab) as it:
        with pytest.raises(SockpanelError) as refused:
            async with it.run(argv=["rm", "-rf", "/"]) as running:
                await anext(running)
    row = await ended(lab)
    assert (refused.value.code, row.command, row.argv, row.exit_code) == ("SP-5003", "rm", ["rm", "-rf", "/"], None)
    assert row.why


async def test_while_nothing_can_be_written_down_nothing_runs(node, lab, counter, monkeypatch):
    def full(self: BeginCommand, books: Any) -> None:
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(BeginCommand, "write", full)
        with pytest.raises(CommandNotRecorded):
            await ran(lab, f"echo ran >> {counter}")
    assert counter.read_text() == ""
    await ran(lab, f"echo ran >> {counter}")
    assert counter.read_text() == "ran\n"
    await eventually_async(lambda: Execution.objects.filter(exit_code=0).aexists())
    first, second = await rows(lab)
    assert "could not be written down" in first.why
    assert (first.exit_code, second.exit_code) == (None, 0)


async def test_no_command_runs_that_is_not_written_down_however_often_the_worker_is_killed(node, lab, counter):
    asked, tasks = 0, []

    async def ask_on(worker: int) -> None:
        nonlocal asked
        with contextlib.suppress(SockpanelError):
            async with session(lab) as it:
                while worker == (await node.look(lab))["pid"]:
                    asked += 1
                    async with it.run(shell=f"echo {asked} >> {counter}") as running:
                        assert [event async for event in running]

    for _ in range(3):
        pid = (await node.until(lab, lambda told: told["state"] == "RUNNING"))["pid"]
        before = len(counter.read_text().split())
        tasks = [asyncio.create_task(ask_on(pid), name=f"asking {number}") for number in range(3)]
        await eventually_async(lambda before=before: len(counter.read_text().split()) > before + 5)
        os.kill(pid, signal.SIGKILL)
        async with deadline():
            await asyncio.gather(*tasks)
        await node.until(lab, lambda told, pid=pid: told["pid"] not in (pid, None) and told["state"] == "RUNNING")
    written = {row.argv[0].split()[1] for row in await rows(lab)}
    assert len(counter.read_text().split()) > 15
    assert set(counter.read_text().split()) <= written


async def test_a_worker_that_is_killed_takes_its_commands_along_and_the_row_says_so(node, lab):
    async with sleeping(lab) as it:
        pid = (await node.look(lab))["pid"]
        os.kill(pid, signal.SIGKILL)
        async with deadline(WITHIN):
            assert isinstance(await it.outcome, CommandInterrupted)
        await eventually_async(lambda: not processes(it.seconds), within=2)
    row = await ended(lab)
    assert (row.exit_code, row.signal, row.why) == (None, None, "the server ended")
    await node.until(lab, lambda told: told["state"] == "RUNNING" and told["pid"] not in (pid, None))
    assert (await ran(lab, "true"))[-1].code == 0


async def test_the_supervisor_going_down_ends_commands_and_says_why(node, lab):
    async with sleeping(lab) as it:
        await node.down()
        assert processes(it.seconds) == []
    row = await ended(lab)
    assert (row.exit_code, row.why) == (None, "the server stopped")


# The switch


async def test_a_server_of_the_kind_is_neither_made_nor_started_until_it_is_meant(node):
    with pytest.raises(RemoteCommandsOff, match=r"manage\.py remote_commands on"):
        await node.create(name="lab", preset="command", port=free_port())
    assert await Server.objects.acount() == 0


async def gone(node: Any, lab: Server, it: Sleeping) -> dict[str, Any]:
    """What the panel tells of the server once it has stopped and its command is gone; within 5 s."""
    async with deadline(WITHIN):
        told = await node.until(lab, lambda told: told["state"] == "STOPPED")
        await eventually_async(lambda: not processes(it.seconds))
    return told


async def test_switched_off_everything_ends_at_once_and_comes_back_when_it_is_on_again(node, lab):
    public = await sync_to_async(files.server_public)(lab.pk)
    async with sleeping(lab) as it:
        await asyncio.to_thread(switch.turn_off, "ada")
        told = await gone(node, lab, it)
    assert "Remote commands are off" in told["reason"]
    assert told["wanted"] == "running"
    assert (await ended(lab)).why == "the server stopped"
    assert "Remote commands are off" in (await asyncio.to_thread(operations.warnings, lab))[0]
    with pytest.raises(RemoteCommandsOff):
        await asyncio.to_thread(operations.start, lab, "ada")
    await asyncio.to_thread(switch.turn_on, "ada")
    await node.until(lab, lambda told: told["state"] == "RUNNING")
    assert await sync_to_async(files.server_public)(lab.pk) == public
    assert (await ran(lab, "true"))[-1].code == 0


async def test_a_file_switches_it_off_even_where_the_database_cannot_be_read(node, lab, monkeypatch):
    def away(*_: Any) -> None:
        raise OperationalError("unable to open database file")

    async with sleeping(lab) as it:
        monkeypatch.setattr("services.wishes.read", away)
        (node.directory / "remote_commands.off").touch()
        told = await gone(node, lab, it)
    assert "remote_commands.off" in told["reason"]


async def test_a_worker_that_hears_nothing_is_switched_off_in_time_too(node, lab):
    async with sleeping(lab) as it:
        os.kill((await node.look(lab))["pid"], signal.SIGSTOP)
        await asyncio.to_thread(switch.turn_off, "ada")
        await gone(node, lab, it)
    assert (await ended(lab)).why == "the server ended"


async def test_a_key_file_that_others_may_read_stops_the_server_and_says_so(node, lab):
    (node.directory / "keys" / f"server-{lab.pk}.key").chmod(0o644)
    told = await node.until(lab, lambda told: told["state"] == "STOPPED")
    assert "may be read by others" in told["reason"]


# Keys


async def keyed(name: str, **words: Any) -> Any:
    """The private half of a new key."""
    _, pem = await asyncio.to_thread(keys.generate, {"name": name, **words}, "ada")
    return load_ssh_private_key(pem.encode(), None)


async def test_a_new_key_is_let_in_without_a_restart_and_its_use_is_noted(node, lab):
    pid = (await node.look(lab))["pid"]
    private = await keyed("ci")

    async def let_in() -> bool:
        try:
            async with session(lab, private):
                return True
        except SessionRefused:
            return False

    assert await eventually_async(let_in, within=WITHIN)
    key = await eventually_async(lambda: Key.objects.exclude(used_at=None).afirst())
    assert (key.name, key.used_from, (await node.look(lab))["pid"]) == ("ci", "127.0.0.1", pid)


async def test_a_revoked_key_is_thrown_out_with_all_that_it_runs(node, lab):
    private = await keyed("ci")
    async with sleeping(await restarted(node, lab), private) as it:
        await asyncio.to_thread(keys.revoke, "ci", "ada")
        async with deadline(WITHIN):
            assert isinstance(await it.outcome, SessionRefused)
            await eventually_async(lambda: not processes(it.seconds))
    assert (await ended(lab)).why == "the key ci is revoked"
    with pytest.raises(SessionRefused):
        async with session(lab, private):
            pass


async def test_a_key_for_another_server_is_not_let_in(node, lab):
    private = await keyed("ci", servers=["desk"])
    await restarted(node, lab)
    with pytest.raises(SessionRefused):
        async with session(lab, private):
            pass


async def restarted(node: Any, server: Server) -> Server:
    """With the keys of now."""
    asked = await asyncio.to_thread(operations.restart, server, "ada")
    assert (await operations.asettle(server, asked)).state == "RUNNING"
    return server


# Changes


async def test_a_changed_server_keeps_its_key_and_its_clients(node, lab):
    public = await sync_to_async(files.server_public)(lab.pk)
    await asyncio.to_thread(operations.change, lab, {"options": {**OPTIONS, "shell": False}}, "ada")
    await node.until(lab, lambda told: told["state"] == "RUNNING")
    async with session(lab) as it:
        assert not it.welcome.shell
    assert await sync_to_async(files.server_public)(lab.pk) == public


async def test_an_echo_server_that_becomes_one_has_its_key_at_once(node, on):
    echo = await node.running(name="echo", preset="echo", port=free_port())
    words = {"kind": "command", "reply": None, "framing": None, "options": OPTIONS}
    await asyncio.to_thread(operations.change, echo, words, "ada")
    assert (await node.until(echo, lambda told: told["state"] in ("RUNNING", "FATAL")))["state"] == "RUNNING"
    assert (await ran(echo, "true"))[-1].code == 0


async def test_a_change_is_not_carried_out_once_it_was_switched_off(node, lab, monkeypatch):
    monkeypatch.setattr("services.operations.is_active", lambda server: True)  # it was, a moment ago
    await asyncio.to_thread(switch.turn_off, "ada")
    await node.until(lab, lambda told: told["state"] == "STOPPED")
    with pytest.raises(RemoteCommandsOff):
        await asyncio.to_thread(operations.change, lab, {"options": {**OPTIONS, "at_once": 2}}, "ada")
    assert (await node.look(lab))["state"] == "STOPPED"


async def test_a_deleted_server_takes_its_key_along(node, lab):
    await ran(lab, "true")
    key = lab.pk
    await asyncio.to_thread(operations.remove, lab, "ada")
    assert not (node.directory / "keys" / f"server-{key}.key").exists()

    async def forgotten() -> bool:
        return not await Execution.objects.filter(server_id=key).aexists()

    await eventually_async(forgotten)
