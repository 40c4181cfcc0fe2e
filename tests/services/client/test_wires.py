"""TLS as a client, with servers of OpenSSL's own."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from services.client import as_dict, build, exchange
from services.client.request import Exchange
from services.errors import ExchangeNotSecured, RequestRefused
from tests.ports import free_port
from tests.services.servers.certifying import DEVICES, PUMP, ROOT, SERVER, material, show
from tests.services.servers.certifying import tls as tls_on
from tests.services.servers.supervising import spec_of
from tests.services.serving import running
from tests.services.tls.making import pair

Serve = Callable[..., Awaitable[int]]


@pytest.fixture
async def serve_tls() -> AsyncIterator[Serve]:
    """An echo server; gives its port."""
    servers: list[asyncio.Server] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except OSError:
            pass
        writer.close()

    async def begin(certificate: Any = SERVER) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        show(context, certificate)
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield begin
    for server in servers:
        server.close()


async def talk(port: int, data: bytes = b"abc", tls: Any = True, identity: str = "", **words: Any) -> Exchange:
    asked = {"transport": "tcp", "host": "127.0.0.1", "port": port, "data": data, "tls": tls, "timeout": 5, **words}
    return await exchange(msgspec.structs.replace(build(asked), identity=identity))


BELIEVING = {"ca": ROOT.chain}


async def test_whom_it_met_is_told_with_the_answer(serve_tls: Serve) -> None:
    done = await talk(await serve_tls(), tls=BELIEVING)
    assert [piece.data for piece in done.received] == [b"abc"]
    assert done.tls is not None
    assert (done.tls.version, done.tls.subject, done.tls.issuer, done.tls.believed) == (
        "TLS 1.3",
        "CN=lab",
        "CN=Root of the lab",
        True,
    )
    assert as_dict(done)["tls"]["sha256"] == done.tls.sha256


async def test_large_answers_come_back_while_it_still_sends(serve_tls: Serve) -> None:
    data = bytes(range(256)) * 4000
    done = await talk(await serve_tls(), data, tls=BELIEVING, framing={"type": "length", "size": 4})
    assert (len(done.sent), done.bytes_received) == (len(data) + 4, len(data))


def _echo_reluctantly(listener: socket.socket) -> None:
    """Reads nothing more until what it answered is on its way."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show(context, SERVER)
    plain, _ = listener.accept()
    plain.settimeout(10)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as peer:
        while data := peer.recv(65_536):
            peer.sendall(data)


async def test_who_reads_on_only_once_its_answers_are_read_is_no_deadlock() -> None:
    data = (b"x" * 9_999 + b"\n") * 1_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        echo = asyncio.create_task(asyncio.to_thread(_echo_reluctantly, listener))
        done = await talk(listener.getsockname()[1], data, tls=BELIEVING, framing="line")
    await echo
    assert (done.ended, done.sent, done.bytes_received) == ("answered", data, len(data) - 1_000)


async def test_its_end_is_said_within_tls() -> None:
    """A time server of ours answers whoever ends without a word."""
    spec = spec_of(kind="time", transport="tcp", port=(port := free_port()), tls=tls_on(), options={"format": "%Y"})
    async with running(spec, tls=material()):
        done = await talk(port, b"", tls=BELIEVING, finish=True)
    assert b"".join(piece.data for piece in done.received).isdigit()
    assert done.ended == "closed"


@pytest.mark.parametrize(
    ("certificate", "tls", "field", "says"),
    [
        (SERVER, True, "tls.ca", "is not believed"),
        (pair("lab", ("other.lan",), ROOT), BELIEVING, "tls.name", "is for other names"),
        (pair("lab", issuer=ROOT, days=(-9, -1)), BELIEVING, "tls.ca", "certificate has expired"),
    ],
    ids=["unknown authority", "other names", "expired"],
)
async def test_who_is_not_believed_gets_nothing(serve_tls: Serve, certificate, tls, field, says) -> None:
    with pytest.raises(ExchangeNotSecured, match=says) as refused:
        await talk(await serve_tls(certificate), tls=tls)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("certificate", "tls", "believed"),
    [
        (SERVER, {"insecure": True}, False),
        (SERVER, {"ca": SERVER.chain}, True),
        (pair("lab", ("other.lan",), ROOT), {**BELIEVING, "name": "other.lan"}, True),
    ],
    ids=["insecure", "the server's own", "by its name"],
)
async def test_one_may_say_whom_to_believe(serve_tls: Serve, certificate, tls, believed) -> None:
    done = await talk(await serve_tls(certificate), tls=tls)
    assert done.tls is not None
    assert done.tls.believed is believed


async def test_a_certificate_of_its_own_opens_doors() -> None:
    part = tls_on(client="required", client_ca="devices")
    spec = spec_of(port=(port := free_port()), tls=part, reply={"type": "echo"})
    async with running(spec, tls=material(client_ca=DEVICES.chain)):
        with pytest.raises(ExchangeNotSecured, match="requires a client's certificate"):
            await talk(port, tls=BELIEVING)
        done = await talk(port, tls=BELIEVING, identity=f"{PUMP.chain}\n{PUMP.key_text}")
    assert [piece.data for piece in done.received] == [b"abc"]


async def test_who_speaks_no_tls_is_named(serve_tcp: Serve) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.read(100)

    with pytest.raises(ExchangeNotSecured, match="does not speak TLS"):
        await talk(await serve_tcp(greet))


async def test_who_says_nothing_is_waited_for_no_longer_than_asked(serve_tcp: Serve) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(ExchangeNotSecured, match="did not finish the handshake in time"):
        await talk(await serve_tcp(silent), timeout=0.3)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"transport": "udp", "tls": True}, "tls"),
        ({"tls": {"identity": "key"}}, "tls"),
        ({"tls": {"ca": 7}}, "tls.ca"),
        ({"tls": {"ca": "x" * 262_145}}, "tls.ca"),
        ({"tls": {"name": "a\nb"}}, "tls.name"),
        ({"identity": "key"}, "identity"),
    ],
    ids=["udp", "unknown", "number", "too long", "no name", "key"],
)
def test_words_that_make_no_sense_are_named(words: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        build({"transport": "tcp", "host": "127.0.0.1", "port": 1, **words})
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("tls", "identity", "field"),
    [({"ca": "no certificate"}, "", "tls.ca"), (True, "no key", "tls.identity"), ({"name": ".lan"}, "", "tls.name")],
    ids=["authority", "identity", "name"],
)
async def test_what_is_no_certificate_is_named(serve_tls: Serve, tls, identity, field) -> None:
    with pytest.raises(RequestRefused) as refused:
        await talk(await serve_tls(), tls=tls, identity=identity)
    assert refused.value.field == field
