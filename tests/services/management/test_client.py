"""`manage.py client`: what it prints, what it reads, how it ends."""

import asyncio
import contextlib
import os
import pty
import re
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.services.servers.certifying import ROOT, SERVER, show

Manage = Callable[..., Awaitable]

CHECKOUT = Path(__file__).resolve().parents[3]


async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data.upper())
    writer.close()


@pytest.fixture
async def port() -> AsyncIterator[str]:
    """Of a TCP server that answers in upper case."""
    server = await asyncio.start_server(upper, "127.0.0.1", 0)
    yield str(server.sockets[0].getsockname()[1])
    server.close()


@contextlib.contextmanager
def silent_udp() -> AsyncIterator[str]:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield str(sock.getsockname()[1])


async def test_it_tells_what_came_from_whom_and_when(manage: Manage, port: str) -> None:
    """Without a database: pytest-django would refuse one here."""
    done = await manage("client", "tcp", "127.0.0.1", port, "--text", r"abc\r\n")
    assert (done.code, done.err) == (0, "")
    sent, out, received, answer = done.out.splitlines()
    assert re.fullmatch(rf"sent 5 bytes to 127\.0\.0\.1:{port} from 127\.0\.0\.1:\d+", sent)
    assert re.fullmatch(r"  \d\d:\d\d:\d\d\.\d{3} -> sent abc\\r\\n", out)
    assert re.fullmatch(rf"received 5 bytes from 127\.0\.0\.1:{port} after \d+\.\d ms", received)
    assert answer.endswith(r"<- received ABC\r\n")


async def test_a_script_reads_json(manage: Manage, port: str) -> None:
    done = await manage("client", "tcp", "127.0.0.1", port, "--hex", "61 ff", "--json")
    assert (done.code, done.json["sent"], done.json["received"][0]["data"]) == (0, "Yf8=", "Qf8=")


async def test_it_sends_what_is_piped_in_and_gives_back_the_bytes_alone_when_asked(manage: Manage, port: str) -> None:
    done = await manage("client", "tcp", "127.0.0.1", port, "--raw", stdin=b"\x1b[2Jpiped\n")
    assert (done.code, done.out) == (0, "\x1b[2JPIPED\n")


async def test_a_file_is_sent_as_it_is(manage: Manage, port: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"a\nb")
    done = await manage("client", "tcp", "127.0.0.1", port, "--file", str(path), "--framing", "line", "--json")
    assert [piece["data"] for piece in done.json["received"]] == ["QQ==", "Qg=="]


async def test_bytes_that_are_no_text_reach_the_wire_from_an_argument(manage: Manage, port: str) -> None:
    done = await manage("client", "tcp", "127.0.0.1", port, "--text", os.fsdecode(b"a\xffb"), "--json")
    assert done.json["sent"] == "Yf9i"


async def test_it_speaks_tls_with_whom_it_believes_and_tells_whom_it_met(manage: Manage, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show(context, SERVER)
    server = await asyncio.start_server(upper, "127.0.0.1", 0, ssl=context)
    port = str(server.sockets[0].getsockname()[1])
    (tmp_path / "ca.pem").write_text(ROOT.chain)
    done = await manage("client", "tcp", "127.0.0.1", port, "--ca", str(tmp_path / "ca.pem"), "--text", "abc")
    assert (done.code, done.out.splitlines()[-1][-3:]) == (0, "ABC")
    assert re.search(
        r"  TLS 1\.3, TLS_\w+; certificate: CN=lab, from CN=Root of the lab, until \d{4}-\d\d-\d\d\n", done.out
    )
    refused = await manage("client", "tcp", "127.0.0.1", port, "--tls", "--text", "abc")
    assert (refused.code, "is not believed" in refused.err) == (1, True)
    server.close()


async def test_a_file_of_certificates_that_is_not_there_is_named(manage: Manage) -> None:
    done = await manage("client", "tcp", "127.0.0.1", "1", "--ca", "/nowhere/ca.pem", "--text", "x")
    assert (done.code, done.err) == (2, "/nowhere/ca.pem cannot be read (No such file or directory): check the path.\n")


async def test_no_answer_is_exit_code_1(manage: Manage) -> None:
    with silent_udp() as port:
        done = await manage("client", "udp", "127.0.0.1", port, "--text", "x", "--timeout", "0.2")
    assert (done.code, done.out.splitlines()[-1]) == (1, "Nothing came back within 0.2 s.")


async def test_only_sending_is_exit_code_0(manage: Manage) -> None:
    with silent_udp() as port:
        assert (await manage("client", "udp", "127.0.0.1", port, "--text", "x", "--expect", "0")).code == 0


async def test_a_broadcast_nobody_answers_has_been_sent(manage: Manage) -> None:
    done = await manage("client", "broadcast", "127.255.255.255", "9", "--text", "x", "--timeout", "0.2")
    assert done.code == 0


async def test_a_refused_connection_is_one_line_and_exit_code_1(manage: Manage) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        done = await manage("client", "tcp", "127.0.0.1", str(port), "--text", "x")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"127.0.0.1:{port} refuses TCP: nothing listens there. Start the server, or check the port.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tcp", "127.0.0.1", "0", "--text", "x"], "The port is a whole number"),
        (["tcp", "127.0.0.1", "7", "--hex", "4"], "two digits for each byte"),
        (["tcp", "127.0.0.1", "7", "--text", "x", "--timeout", "0"], "timeout"),
        (["tcp", "127.0.0.1", "7", "--file", "/nowhere"], "/nowhere cannot be read"),
        (["udp", "127.0.0.1", "7", "--text", "x", "--framing", "line"], "unrecognized arguments"),
        (["sctp", "127.0.0.1", "7"], "invalid choice"),
        ([], "required"),
    ],
)
async def test_wrong_usage_is_exit_code_2(manage: Manage, words: list[str], says: str) -> None:
    done = await manage("client", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


async def test_a_terminal_gets_nothing_that_it_would_obey(environment: dict[str, str], port: str) -> None:
    """Standard input is the terminal here: nothing is read from it."""
    ours, theirs = pty.openpty()
    words = ("client", "tcp", "127.0.0.1", port, "--hex", "1b5d303b6576696c07 9b", "--timeout", "5")
    process = await asyncio.create_subprocess_exec(
        sys.executable, CHECKOUT / "manage.py", *words, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    async with asyncio.timeout(40):
        await process.wait()
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert r"\x1b]0;evil\x07\x9b" in shown
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", shown)


async def test_a_terminal_without_data_is_told_how_to_give_some(manage: Manage, port: str) -> None:
    done = await manage("client", "tcp", "127.0.0.1", port, typed=b"")
    assert (done.code, done.err.startswith("Nothing to send: give --text")) == (2, True)
