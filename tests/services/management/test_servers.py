"""`manage.py servers ...` against a running supervisor: what a person sees, what a script reads, how it ends."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services import operations
from services.models import Server
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

Manage = Callable[..., Awaitable[Any]]


@pytest.fixture
def port() -> str:
    return str(free_port())


async def test_from_adding_to_removing(node: Any, manage: Manage, port: str) -> None:
    added = await manage("servers", "add", "lab", "--preset", "echo", "--port", port)
    assert (added.code, added.out) == (0, f"Added lab: tcp on tcp 127.0.0.1:{port}. Start it: servers start lab\n")
    started = await manage("servers", "start", "lab")
    assert (started.code, started.out) == (0, f"lab: RUNNING on tcp 127.0.0.1:{port}\n")
    listed = await manage("servers", "list")
    assert re.search(rf"^lab +RUNNING +tcp +tcp 127\.0\.0\.1:{port} +0 +0 +0$", listed.out, re.MULTILINE)
    stopped = await manage("servers", "stop", "lab")
    assert (stopped.code, stopped.out) == (0, "lab: STOPPED\n")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)))
    removed = await manage("servers", "remove", "lab", "--yes")
    assert (removed.code, removed.out) == (0, "Removed lab.\n")
    assert "There are no servers yet" in (await manage("servers", "list")).out


async def test_a_script_reads_one_server_or_a_list(node: Any, manage: Manage, port: str) -> None:
    words = (
        "--kind",
        "tcp",
        "--port",
        port,
        "--set",
        "framing.type=line",
        "--set",
        "reply.type=upper",
        "--start",
        "--json",
    )
    added = await manage("servers", "add", "lab", *words)
    assert (added.code, added.json["state"], added.json["framing"]["type"]) == (0, "RUNNING", "line")
    assert (await manage("servers", "status", "lab", "--json")).json["name"] == "lab"
    assert [one["name"] for one in (await manage("servers", "status", "--json")).json["servers"]] == ["lab"]
    assert [one["state"] for one in (await manage("servers", "list", "--json")).json["servers"]] == ["RUNNING"]
    assert (await manage("servers", "restart", "lab", "--json")).json["state"] == "RUNNING"
    assert (await manage("servers", "stop", "--all", "--json")).json["servers"][0]["state"] == "STOPPED"
    assert (await manage("servers", "remove", "lab", "--yes", "--json")).json == {"removed": ["lab"]}


async def test_a_start_that_fails_says_why_and_ends_with_1(node: Any, manage: Manage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        added = await manage("servers", "add", "lab", "--preset", "echo", "--port", str(port))
        assert (added.code, f"Port {port} on 127.0.0.1 is in use by pid" in added.err) == (0, True)
        started = await manage("servers", "start", "lab", "--json")
    assert (started.code, started.json["state"]) == (1, "FATAL")
    assert started.err.startswith(f"lab: FATAL: Port {port} on 127.0.0.1 is in use by pid ")
    assert started.err.count("\n") == 1


async def test_one_failure_among_several_is_named_and_the_others_run(node: Any, manage: Manage, port: str) -> None:
    for name in ("one", "two"):
        await manage("servers", "add", name, "--preset", "echo", "--port", port)
    started = await manage("servers", "start", "one", "two")
    assert (started.code, len(started.out.splitlines()), len(started.err.splitlines())) == (1, 1, 1)
    assert {await Server.objects.acount(), "FATAL" in started.err, "RUNNING" in started.out} == {2, True}


async def test_bytes_go_to_connected_clients(node: Any, manage: Manage) -> None:
    server = await node.running(preset="echo", name="lab", port=free_port())
    nobody = await manage("servers", "send", "lab", "--text", "hello")
    assert (nobody.code, nobody.err.count("\n")) == (1, 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await node.until(server, lambda told: told["counters"]["connections"] == 1)
    sent = await manage("servers", "send", "lab", "--text", r"hello\r\n")
    assert (sent.code, sent.out) == (0, "Sent 7 bytes to 1 peer.\n")
    assert await asyncio.wait_for(reader.readline(), 5) == b"hello\r\n"
    piped = await manage("servers", "send", "lab", "--connection", "1", "--json", stdin=b"\xff\x00\n")
    assert (piped.code, piped.json) == (0, {"peers": 1})
    assert await asyncio.wait_for(reader.readline(), 5) == b"\xff\x00\n"
    writer.close()


async def test_details_show_counters_and_what_is_not_as_usual(node: Any, manage: Manage) -> None:
    await node.create(preset="over", name="lab", port=free_port(), notes="on the\x1b[31m bench", restart="always")
    told = (await manage("servers", "status", "lab")).out
    assert re.search(r"^  reply +type=fixed, text=over, close=True$", told, re.MULTILINE)
    assert re.search(r"^  restart +always$", told, re.MULTILINE)
    assert re.search(r"^  notes +on the\\x1b\[31m bench$", told, re.MULTILINE)
    assert re.search(r"^  received +0 messages, 0 stored; 0 bytes, 0 stored$", told, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["start", "nosuch"], 1, "There is no server named 'nosuch'"),
        (["start"], 2, "Give the names of servers, or --all."),
        (["start", "lab", "--all"], 2, "Give the names of servers, or --all."),
        (["send", "lab", "--hex", "4"], 2, "two digits for each byte"),
        (["send", "lab", "--text", "x"], 1, "lab is not running"),
        (["send", "lab", "--connection", "seven"], 2, "a connection is its number, or all"),
        (["add", "Bad Name", "--preset", "echo"], 1, "name"),
        (["add", "x", "--preset", "nosuch"], 1, "There is no preset 'nosuch'"),
        (["add", "x"], 1, "kind is one of"),
        (["add", "x", "--preset", "echo", "--set", "framing.type=lines"], 1, "framing.type"),
        (["add", "x", "--preset", "echo", "--set", "colour=red"], 1, "'colour' is no field of a server"),
        (["add", "lab", "--preset", "echo"], 1, "Another server is named 'lab'"),
        (["dance"], 2, "invalid choice"),
    ],
)
async def test_what_cannot_be_done_is_one_line(manage: Manage, words: list[str], code: int, says: str) -> None:
    await asyncio.to_thread(operations.create, {"preset": "echo", "name": "lab", "port": free_port()}, "ada")
    done = await manage("servers", *words)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert done.err.splitlines()[-1].count(says) == 1
    assert await Server.objects.acount() == 1


async def test_without_a_supervisor_a_start_names_the_command(
    manage: Manage, settings: Any, data_directory: Any
) -> None:
    settings.SOCKPANEL_DATA_DIR = data_directory
    await manage("servers", "add", "lab", "--preset", "echo", "--port", str(free_port()))
    done = await manage("servers", "start", "lab", "--json")
    assert (done.code, done.json["code"]) == (1, "SP-2201")
    assert "start Sockpanel with manage.py up" in done.err


@pytest.mark.parametrize(("typed", "code", "left"), [(b"y\n", 0, 0), (b"\n", 1, 1), (b"", 1, 1)])
async def test_a_person_is_asked_before_a_server_is_removed(manage: Manage, typed: bytes, code: int, left: int) -> None:
    await asyncio.to_thread(operations.create, {"preset": "echo", "name": "lab", "port": 4711}, "ada")
    done = await manage("servers", "remove", "lab", typed=typed)
    assert (done.code, await Server.objects.acount()) == (code, left)
    assert done.out.startswith("Remove lab and 0 stored messages for good? [y/N] ")


@pytest.mark.parametrize("words", [[], ["--json"]])
async def test_where_nobody_can_be_asked_nothing_is_removed_without_yes(manage: Manage, words: list[str]) -> None:
    await asyncio.to_thread(operations.create, {"preset": "echo", "name": "lab", "port": 4711}, "ada")
    done = await manage("servers", "remove", "lab", *words)
    assert (done.code, await Server.objects.acount()) == (2, 1)
    assert done.err == "Nothing was removed, for nobody can be asked here: add --yes.\n"


async def test_the_help_of_yes_says_when_it_is_needed(manage: Manage) -> None:
    said = " ".join((await manage("servers", "remove", "--help")).out.split())
    assert "--yes do not ask; needed where nobody can be asked, such as in a script" in said
