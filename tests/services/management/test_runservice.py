"""`manage.py runservice`: presets without a database, configured servers recorded, and a clean end at Ctrl-C."""

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services import operations
from services.supervisor import lock
from tests.ports import free_port
from tests.services.servers.secrets_of import KEY, NAME, leaks
from tests.waiting import eventually_async

both = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

Begin = Callable[..., Awaitable[Any]]


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(10):
        answer = await reader.read(1000)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_preset_runs_without_any_database_and_ends_cleanly(begin: Begin, data_directory: Path) -> None:
    port = free_port()
    running = await begin("runservice", "upper", "--port", str(port))
    await running.line(f"upper serves on tcp 127.0.0.1:{port}; Ctrl-C ends it.")
    await running.line(f"nc -N 127.0.0.1 {port}")
    assert await ask(port, b"\x1b[2Jabc") == b"\x1b[2JABC"
    assert re.search(r" -> in  #1 127\.0\.0\.1:\d+ 7 B  \\x1b\[2Jabc$", await running.line("-> in"))
    assert re.search(r" <- out #1 127\.0\.0\.1:\d+ 7 B  \\x1b\[2JABC$", await running.line("<- out"))
    with socket.create_connection(("127.0.0.1", port)):  # who stays connected holds up no end
        began = time.monotonic()
        done = await running.end(signal.SIGINT)
    assert (done.code, done.err, time.monotonic() - began < 8) == (0, "", True)
    assert done.out.endswith("upper ended: received 1, sent 1.\n")
    assert [path.name for path in data_directory.iterdir()] == ["secret-key"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_a_preset_shows_no_key_of_a_panel_and_says_that_one_came(begin: Begin) -> None:
    port = free_port()
    running = await begin("runservice", "upper", "--port", str(port))
    await running.line("serves on")
    said = b"%s=%s" % (NAME, KEY)
    assert await ask(port, said) == said.upper()
    await running.line("sent the key of a session of Sockpanel, which is not shown: sign out of it")
    done = await running.end(signal.SIGINT)
    shown = "\n".join([*running.lines, done.out])
    assert (leaks(shown.encode()), shown.count("=[redacted]")) == ([], 2)


@pytest.mark.parametrize(
    "words", [["command"], ["command-ready"], ["echo", "--reply", "none", "--set", "kind=command"]]
)
async def test_what_runs_commands_needs_a_server_that_is_written_down(begin: Begin, words: list[str]) -> None:
    done = await (await begin("runservice", *words)).finished()
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"{words[0]} cannot be run without a database" in done.err


async def test_what_speaks_tls_needs_the_place_where_certificates_are_kept(begin: Begin) -> None:
    words = ("echo", "--set", "tls.mode=on", "--set", "tls.certificate=lab")
    done = await (await begin("runservice", *words)).finished()
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "echo cannot speak TLS without a database" in done.err


async def test_the_list_leaves_out_presets_that_run_commands(begin: Begin) -> None:
    done = await (await begin("runservice", "--list")).finished()
    assert "echo " in done.out
    assert "command" not in done.out


async def test_the_options_of_a_preset_change_it(begin: Begin) -> None:
    port = free_port()
    words = ("over", "--host", "::1", "--port", str(port), "--reply", r"fixed:bye\r\n", "--set", "framing.type=line")
    running = await begin("runservice", *words)
    await running.line(f"over serves on tcp [::1]:{port}")
    reader, writer = await asyncio.open_connection("::1", port)
    writer.write(b"one\n")
    async with asyncio.timeout(10):
        assert await reader.read() == b"bye\r\n\n"
    writer.close()
    assert (await running.end(signal.SIGTERM)).code == 0


async def test_a_port_in_use_is_one_line_and_exit_code_1(begin: Begin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await (await begin("runservice", "echo", "--port", str(port))).finished()
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(rf"Port {port} on 127\.0\.0\.1 is in use by pid \d+ .*\n", done.err)


@both
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nosuch"], 1, "There is neither a server nor a preset named 'nosuch'"),
        (["echo", "--port", "0"], 1, "The port is a whole number"),
        (["echo", "--host", "example"], 1, "host"),
        (["echo", "--reply", "shout"], 2, "'shout' is no reply"),
        (["echo", "--set", "framing.type=lines"], 1, "framing.type"),
        ([], 2, "Name one of these"),
    ],
)
async def test_what_cannot_be_run_is_one_line(manage: Any, words: list[str], code: int, says: str) -> None:
    done = await manage("runservice", *words)
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert says in done.err


async def test_a_broken_database_keeps_no_preset_from_running(begin: Begin, data_directory: Path) -> None:
    (data_directory / "control.sqlite3").write_bytes(b"this is no database, but it is there" * 100)
    running = await begin("runservice", "sink", "--port", str(free_port(socket.SOCK_DGRAM)))
    await running.line("sink serves")
    assert (await running.end(signal.SIGINT)).code == 0


@both
async def test_the_list_shows_servers_and_presets(manage: Any) -> None:
    await asyncio.to_thread(operations.create, {"preset": "echo", "name": "lab", "port": 4711}, "ada")
    done = await manage("runservice", "--list")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^lab +server +tcp 127\.0\.0\.1:4711$", done.out, re.MULTILINE)
    assert re.search(r"^time +preset +udp 127\.0\.0\.1:9000 +UDP time$", done.out, re.MULTILINE)


@both
async def test_the_options_of_presets_are_refused_for_a_configured_server(manage: Any) -> None:
    await asyncio.to_thread(operations.create, {"preset": "upper", "name": "echo", "port": 4711}, "ada")
    done = await manage("runservice", "echo", "--port", "4712")
    assert (done.code, "the options are for presets" in done.err) == (2, True)


async def test_without_a_supervisor_this_process_supervises_and_records(begin: Begin, lab: int, books: Any) -> None:
    running = await begin("runservice", "lab")
    await running.line(f"lab: RUNNING on tcp 127.0.0.1:{lab}; Ctrl-C stops it.")
    assert await ask(lab, b"abc") == b"abc"
    await running.line("<- out #1")
    done = await running.end(signal.SIGINT)
    assert (done.code, done.err) == (0, "")
    assert (books.messages(), books.wanted()) == ([(0, b"abc"), (1, b"abc")], "stopped")


async def test_a_supervisor_that_is_there_is_asked_to_run_it(begin: Begin, lab: int, books: Any) -> None:
    supervisor = await begin("supervise")
    await eventually_async(lambda: lock.holder(books.directory, "local"), within=30)
    running = await begin("runservice", "lab")
    await running.line("Ctrl-C stops it.")
    assert await ask(lab, b"abc") == b"abc"
    await running.line("<- out #1")
    assert (await running.end(signal.SIGINT)).code == 0
    assert (books.wanted(), supervisor.process.returncode) == ("stopped", None)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", lab))


async def test_a_server_that_was_to_run_before_goes_on(begin: Begin, lab: int, books: Any) -> None:
    books.control("UPDATE services_server SET wanted = 'running'")
    await begin("supervise")
    await eventually_async(lambda: lock.holder(books.directory, "local"), within=30)
    running = await begin("runservice", "lab")
    await running.line("Ctrl-C leaves it running.")
    assert (await running.end(signal.SIGINT)).code == 0
    assert await ask(lab, b"abc") == b"abc"


async def test_a_configured_server_that_cannot_start_is_one_line(begin: Begin, lab: int, books: Any) -> None:
    with socket.create_server(("127.0.0.1", lab)):
        done = await (await begin("runservice", "lab")).finished()
    assert (done.code, done.err.count("\n"), books.wanted()) == (1, 1, "stopped")
    assert done.err.startswith(f"lab: FATAL: Port {lab} on 127.0.0.1 is in use by pid ")


async def test_a_configured_server_wins_over_the_preset_of_its_name(begin: Begin, lab: int, books: Any) -> None:
    books.control("UPDATE services_server SET name = 'upper'")
    running = await begin("runservice", "upper")
    await running.line(f"upper: RUNNING on tcp 127.0.0.1:{lab}")
    assert await ask(lab, b"abc") == b"abc"
    assert (await running.end(signal.SIGINT)).code == 0


async def test_what_becomes_of_it_is_told_and_its_end_ends_the_command(begin: Begin, lab: int, books: Any) -> None:
    running = await begin("runservice", "lab")
    await running.line("RUNNING")
    os.kill(books.pid(), signal.SIGKILL)
    await running.line("lab: BACKOFF: ")
    await running.line("lab: RUNNING on")
    books.control("UPDATE services_server SET wanted = 'stopped', asked = asked + 1")
    done = await running.finished()
    assert (done.code, done.err, "lab: STOPPED" in done.out) == (0, "", True)


@both
async def test_a_server_of_another_node_is_not_run_here(manage: Any) -> None:
    words = {"preset": "echo", "name": "lab", "port": 4711, "node": "edge"}
    await asyncio.to_thread(operations.create, words, "ada")
    done = await manage("runservice", "lab")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "lab belongs to node edge" in done.err
