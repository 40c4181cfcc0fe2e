"""`manage.py client command`: output as it is, the command's exit status, keys that are kept well."""

import asyncio
import base64
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, PrivateFormat

from services.client.commands import Target, connect
from services.errors import CommandInterrupted, CommandUnknown, KeyRefused
from services.management import remote as it
from services.servers.commands.wire import Cancel, Exit, Run
from services.servers.report import Key
from tests.services.client.keyfiles import kept, pem
from tests.services.client.remote import Seat, lasting, remote
from tests.services.servers.commands.sides import LAB, SERVER_KEY, STRANGER, Judge
from tests.waiting import eventually_async

Manage = Callable[..., Awaitable]
Begin = Callable[..., Awaitable]


async def ended(begin: Begin, port: int, *words: str):
    """`manage.py client command`, run to its end in a process of its own: it handles signals."""
    return await (await begin("client", "command", "127.0.0.1", str(port), *words)).finished()


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The file with lab's private key."""
    return kept(tmp_path / "lab.pem", pem(LAB))


async def test_the_commands_output_is_ours_and_its_status_too(begin: Begin, key: str):
    def answer(seat: Seat, run: Run) -> None:
        seat.send(seat.side.output(run.number, 1, b"out\xff\x1b[2J"))
        seat.send(seat.side.output(run.number, 2, b"err"))
        seat.send(seat.side.exit(run.number, Exit(code=7)))

    async with remote(answer) as (server, port):
        done = await ended(begin, port, "--key", key, "--", "df", "-h", "--", "x")
    assert (done.code, done.out_bytes, done.err) == (7, b"out\xff\x1b[2J", "err")
    assert server.asked == [Run(1, argv=("df", "-h", "--", "x"))]


async def test_a_command_that_a_signal_ended_has_the_status_of_a_shell_and_the_reason_is_told(begin: Begin, key: str):
    def answer(seat: Seat, run: Run) -> None:
        seat.send(seat.side.exit(run.number, Exit(signal=9, why="it took longer than 30 s")))

    async with remote(answer) as (_, port):
        done = await ended(begin, port, "--key", key, "--", "sleep")
    assert (done.code, done.out, done.err) == (137, "", "it took longer than 30 s\n")


async def test_a_free_command_line_is_sent_as_one(begin: Begin, key: str):
    async with remote() as (server, port):
        done = await ended(begin, port, "--key", key, "--shell", "--", "ps -e | wc", "-l")
    assert (done.code, server.asked) == (0, [Run(1, shell="ps -e | wc -l")])


async def test_a_script_reads_json(begin: Begin, key: str):
    async with remote() as (_, port):
        done = await ended(begin, port, "--key", key, "--json", "--", "uname")
    told = done.json
    assert (base64.b64decode(told.pop("stdout")), told) == (
        b"uname",
        {"exit_code": 0, "signal": None, "stderr": "", "seconds": 0.0, "truncated": False, "why": ""},
    )


async def test_our_own_failures_are_one_line_and_status_1(begin: Begin, key: str):
    def refuse(seat: Seat, run: Run) -> None:
        seat.send(seat.side.failure(run.number, CommandUnknown("No command is named rm: choose one of uname, df.")))

    async with remote(refuse) as (_, port):
        done = await ended(begin, port, "--key", key, "--", "rm")
    assert (done.code, done.out, done.err) == (1, "", "No command is named rm: choose one of uname, df.\n")


async def test_without_a_key_it_is_the_panel_that_asks_and_says_for_whom(begin: Begin):
    class Panel(Judge):
        def find(self, public: bytes) -> Key:
            return Key(public=public, name="the panel", panel=True)

    async with remote(judge=Panel()) as (server, port):
        done = await ended(begin, port, "--", "uname")
    assert (done.code, done.out, done.err) == (0, "uname", "")
    assert server.asked[0].who.endswith("(command line)")


async def test_a_server_with_another_key_is_refused(begin: Begin, key: str):
    words = ("--key", key, "--server-key", "ab" * 32, "--", "uname")
    async with remote() as (server, port):
        done = await ended(begin, port, *words)
    assert (done.code, server.asked) == (1, [])
    assert f"{SERVER_KEY.hex()} instead of {'ab' * 32}" in done.err


async def test_a_forwarded_port_is_reached_through_tls(begin: Begin, key: str, tmp_path: Path):
    words = ("--key", key, "--server-key", SERVER_KEY.hex(), "--tls", "--", "uname")
    async with remote(tls=tmp_path) as (_, port):
        done = await ended(begin, port, *words)
    assert (done.code, done.out) == (0, "uname")


async def test_a_key_that_is_not_let_in(begin: Begin, tmp_path: Path):
    async with remote() as (_, port):
        stranger = kept(tmp_path / "stranger.pem", pem(STRANGER))
        done = await ended(begin, port, "--key", stranger, "--", "uname")
    assert done.code == 1
    assert "did not let this key in" in done.err


@pytest.mark.parametrize("words", [["--", "uname", "-s"], ["--server-key", "zz", "--", "x"], ["9997"], ["9997", "--"]])
async def test_wrong_usage_is_status_2(manage: Manage, words: list[str]):
    done = await manage("client", "command", "127.0.0.1", *words)
    assert done.code == 2


async def test_ctrl_c_cancels_the_command_and_waits_for_its_end(begin: Begin, key: str):
    def answer(seat: Seat, run: Run) -> None:
        seat.send(seat.side.output(run.number, 1, b"begun\n"))

    async with remote(answer) as (server, port):
        running = await begin("client", "command", "127.0.0.1", str(port), "--key", key, "--", "sleep", "100")
        await running.line("begun")
        done = await running.end(signal.SIGINT)
    assert (done.code, done.err) == (130, "it was cancelled\n")
    assert server.asked == [Run(1, argv=("sleep", "100")), Cancel(1)]


async def test_ctrl_c_is_heard_while_nobody_reads_our_output(begin: Begin, key: str):
    def answer(seat: Seat, run: Run) -> None:
        seat.send(seat.side.output(run.number, 1, bytes(8 * 1024 * 1024)))

    async with remote(answer) as (server, port):
        running = await begin("client", "command", "127.0.0.1", str(port), "--key", key, "--", "yes")
        await eventually_async(lambda: server.asked)
        await eventually_async(lambda: any(not seat.free.is_set() for seat in server.seats))
        running.process.send_signal(signal.SIGINT)
        await eventually_async(lambda: Cancel(1) in server.asked)
        assert (await running.finished()).code == 130


async def test_a_reader_who_has_seen_enough_ends_the_command(begin: Begin, key: str):
    def answer(seat: Seat, run: Run) -> None:
        seat.send(seat.side.output(run.number, 1, b"x\n" * 4_000_000))

    async with remote(answer) as (server, port):
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            '"$@" | head -n 1',
            "sh",
            sys.executable,
            "manage.py",
            *("client", "command", "127.0.0.1", str(port), "--key", key, "--", "yes"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        await eventually_async(lambda: not server.seats)
    assert (out, err) == (b"x\n", b"")


async def test_a_server_that_does_not_end_a_cancelled_command_is_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(it, "_END_WITHIN", 0.05)
    async with remote(lasting) as (server, port), connect(Target("127.0.0.1", port, SERVER_KEY), LAB) as session:
        monkeypatch.setattr(Seat, "_answer", lambda seat, asked: server.asked.append(asked))
        stop = asyncio.Event()
        stop.set()
        async with session.run(argv=["sleep"]) as running:
            with pytest.raises(CommandInterrupted, match="did not tell the command's end"):
                await it._followed(running, stop, it.Kept())


# Keys


@pytest.mark.parametrize("format", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH])
def test_a_key_is_read_from_pem_of_both_kinds(format: PrivateFormat, tmp_path: Path):
    path = kept(tmp_path / "key", pem(LAB, format))
    assert it.private_key(path).private_bytes_raw() == LAB.private_bytes_raw()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_may_read_is_refused(mode: int, tmp_path: Path):
    path = kept(tmp_path / "key", pem(LAB), mode)
    with pytest.raises(KeyRefused, match=rf"open to other users \(mode {mode:o}\): chmod 600"):
        it.private_key(path)


@pytest.mark.parametrize(
    "text", [b"", b"hello", pem(LAB)[:80], b"\xff" * 100, b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"]
)
def test_what_is_no_key_is_refused(text: bytes, tmp_path: Path):
    with pytest.raises(KeyRefused, match="no private key in PEM"):
        it.private_key(kept(tmp_path / "key", text))


def test_a_key_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(KeyRefused, match="no Ed25519 key"):
        it.private_key(kept(tmp_path / "key", pem(X25519PrivateKey.generate())))


def test_an_encrypted_key_is_refused(tmp_path: Path):
    path = kept(tmp_path / "key", pem(LAB, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(KeyRefused, match="is encrypted"):
        it.private_key(path)


def test_a_key_that_is_not_there(tmp_path: Path):
    with pytest.raises(KeyRefused, match="cannot be read"):
        it.private_key(str(tmp_path / "none"))
