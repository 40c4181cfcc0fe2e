"""docs/examples/remote_command.py, which shares no code with us, understands the document and our server."""

import ast
import asyncio
import importlib.util
import json
import socket
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from services.errors import ArgumentRefused
from services.servers.commands.wire import Exit, Run
from tests.services.client.keyfiles import kept, pem
from tests.services.client.remote import Seat, remote
from tests.services.client.test_commands import own_address
from tests.services.servers.commands.sides import LAB, SERVER_KEY, STRANGER
from tests.services.servers.commands.test_worked_example import CLIENT, SERVER, secret, told
from tests.sources import CHECKOUT, imported

SCRIPT = CHECKOUT / "docs" / "examples" / "remote_command.py"


@pytest.fixture
def example() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("remote_command", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key_file(directory: Path, private: Ed25519PrivateKey = LAB) -> str:
    return kept(directory / "key.pem", pem(private))


async def run(*words: str) -> tuple[int, bytes, str]:
    """The script in a process of its own: status, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err.decode()


def test_it_is_short_and_shares_nothing():
    text = SCRIPT.read_text()
    names = {name.split(".")[0] for node in ast.walk(ast.parse(text)) for name in imported(node)}
    assert names - set(sys.stdlib_module_names) == {"cryptography"}
    assert len(text.splitlines()) <= 200


def test_it_makes_of_the_documents_secrets_the_documents_bytes(example: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """The server's side is read from the document, the client's is written by the script: to the byte what the document says."""
    frames = told()
    monkeypatch.setattr(example.os, "urandom", lambda size: secret(0x80))
    ephemeral = X25519PrivateKey.from_private_bytes(secret(0xA0))
    monkeypatch.setattr(example, "X25519PrivateKey", SimpleNamespace(generate=lambda: ephemeral))
    ours, its = socket.socketpair()
    with ours, its:
        ours.settimeout(5)
        ours.sendall(b"".join(frames[name] for name in ("hello", "ok", "started", "stdout", "exit")))
        session = example.Session(its, bytes(32), CLIENT, SERVER.public_key().public_bytes_raw())
        assert (session.to_server, session.to_client) == (frames["key-c2s"], frames["key-s2c"])
        monkeypatch.setattr(example.json, "dumps", compact)  # blanks in JSON are everybody's own choice
        assert session.run(["uname", "-s"]) == 0
        assert session.welcome["commands"][0]["id"] == "uname"
        sent = frames["auth"] + frames["run"]
        assert ours.recv(len(sent) + 1).hex(" ") == sent.hex(" ")


def compact(value: object) -> str:
    return json.JSONEncoder(separators=(",", ":")).encode(value)


async def test_it_runs_a_command_on_our_server(tmp_path: Path):
    def answer(seat: Seat, run: Run) -> None:
        seat.send(seat.side.started(run.number))
        seat.send(seat.side.output(run.number, 1, bytes(range(256)) * 1024))
        seat.send(seat.side.output(run.number, 2, b"warning"))
        seat.send(seat.side.exit(run.number, Exit(code=3)))

    async with remote(answer) as (server, port):
        done = await run("127.0.0.1", str(port), key_file(tmp_path), SERVER_KEY.hex(), "uname", "-s")
    assert done == (3, bytes(range(256)) * 1024, "warning")
    assert server.asked == [Run(1, argv=("uname", "-s"))]


async def test_it_speaks_tls_where_it_must(tmp_path: Path):
    host = own_address()
    async with remote(host=host, tls=tmp_path) as (_, port):
        done = await run(host, str(port), key_file(tmp_path), SERVER_KEY.hex(), "uname")
    assert done == (0, b"uname", "")


async def test_it_tells_why_a_command_does_not_run(tmp_path: Path):
    def refuse(seat: Seat, run: Run) -> None:
        seat.send(seat.side.failure(run.number, ArgumentRefused("uname does not take -Z.")))

    async with remote(refuse) as (_, port):
        done = await run("127.0.0.1", str(port), key_file(tmp_path), SERVER_KEY.hex(), "uname", "-Z")
    assert done == (1, b"", "remote_command.py: SP-5004 uname does not take -Z.\n")


async def test_it_tells_when_it_is_not_let_in(tmp_path: Path):
    async with remote() as (_, port):
        done = await run("127.0.0.1", str(port), key_file(tmp_path, STRANGER), SERVER_KEY.hex(), "uname")
    assert done == (1, b"", "remote_command.py: the server does not let this key in\n")


async def test_it_leaves_a_server_with_another_key(tmp_path: Path):
    async with remote() as (server, port):
        done = await run("127.0.0.1", str(port), key_file(tmp_path), "ab" * 32, "uname")
    assert done[2] == f"remote_command.py: the server has the key {SERVER_KEY.hex()}, another than expected\n"
    assert server.asked == []
