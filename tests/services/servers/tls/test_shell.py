"""TLS around a connection, with real workers and OpenSSL's own clients."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.servers.report import Close, Send, TlsFacts
from services.servers.spec import Tls
from services.servers.tls.context import server_context
from services.servers.tls.shell import Shell
from tests.services.servers.certifying import DEVICES, PUMP, ROOT, believing, material, refused, secured, tls
from tests.services.servers.clients import Client
from tests.services.servers.supervising import Supervised
from tests.services.tls.making import root

ECHO = {"type": "echo"}


@pytest.fixture
def serve_tls(serve) -> Callable[..., Any]:
    """`await serve_tls(client="required")`: a worker that speaks TLS."""

    async def begin(client_ca: str = "", hurry: str = "", certificate: Any = None, **words: Any) -> Supervised:
        part = {key: words.pop(key) for key in ("client", "minimum") if key in words}
        if client_ca:
            part["client_ca"] = "devices"
        shown = material(certificate, client_ca) if certificate else material(client_ca=client_ca)
        start = {"tls": shown, **({"hurry": hurry} if hurry else {})}
        return await serve(start=start, **{"reply": ECHO, "tls": tls(**part), **words})

    return begin


@pytest.fixture
async def connect_tls() -> AsyncIterator[Callable[..., Any]]:
    clients: list[Client] = []

    async def begin(address: Any, *words: Any, **more: Any) -> Client:
        clients.append(await secured(address, *words, **more))
        return clients[-1]

    yield begin
    for client in clients:
        await client.gone()


def speaking(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = believing()
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_answers_in_secret_and_tells_what_was_agreed_on(serve_tls, connect_tls, version):
    it = await serve_tls()
    client = await connect_tls(it.address, speaking(version))
    assert await client.ask(b"a\0\xff", 3) == b"a\0\xff"
    await it.until(lambda: it.messages)
    (opened,) = it.opened
    side = client.writer.get_extra_info("ssl_object")
    assert opened.tls == TlsFacts(side.version().replace("v", " "), side.cipher()[0], "localhost")
    assert it.received == it.sent == [b"a\0\xff"]


async def test_a_large_answer_arrives_whole_through_its_records(serve_tls, connect_tls):
    it = await serve_tls(framing={"type": "length", "size": 4})
    client = await connect_tls(it.address)
    data = bytes(range(256)) * 4096
    frame = len(data).to_bytes(4, "big") + data
    assert await client.ask(frame * 3, 3 * len(frame)) == frame * 3
    await it.until(lambda: len(it.sent) == 3)
    assert it.identity_holds()


async def test_a_client_that_ends_its_side_is_answered(serve_tls):
    """As `openssl s_client` at the end of a file: it says that it ends, and reads on."""
    it = await serve_tls(framing={"type": "none"}, limits={"reply_after_commit": True})
    assert await asyncio.to_thread(said_and_ended, it.address) == b"hello"
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "closed by the peer"


def said_and_ended(address: Any) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = believing().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(address, 5) as sock:
        carried_out(side.do_handshake, sock, incoming, outgoing)
        side.write(b"hello")
        with pytest.raises(ssl.SSLWantReadError):
            side.unwrap()
        heard = b""
        while piece := carried_out(lambda: side.read(100), sock, incoming, outgoing):
            heard += piece
        return heard


def carried_out(deed: Callable[[], Any], sock: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> Any:
    while True:
        try:
            return deed()
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            if not (data := sock.recv(65_536)):
                return b""
            incoming.write(data)
        except ssl.SSLZeroReturnError:
            return b""
        finally:
            sock.sendall(outgoing.read())


async def test_a_client_that_only_ends_tcp_has_ended(serve_tls, connect_tls):
    """Many never say that TLS ends: what they sent before is kept, and they are gone."""
    it = await serve_tls(framing={"type": "line"})
    raw = socket.create_connection(it.address, 5)
    with believing().wrap_socket(raw, server_hostname="localhost") as client:
        await asyncio.to_thread(client.sendall, b"half a line")
    await it.until(lambda: it.closed)
    assert it.received == [b"half a line"]
    assert it.closed[0].why == "closed by the peer"


async def test_a_one_shot_server_ends_tls_with_its_answer(serve_tls, connect_tls):
    it = await serve_tls(reply={"type": "fixed", "text": "over", "close": True})
    client = await connect_tls(it.address)
    await client.say(b"anything")
    assert await client.hear_all() == b"over"
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "closed after its answer"


async def test_a_silent_client_of_a_time_server_gets_the_time(serve_tls):
    it = await serve_tls(kind="time", transport="tcp", reply={"type": "none"}, options={"format": "%Y"})
    assert (await asyncio.to_thread(silent_and_ended, it.address)).isdigit()


def silent_and_ended(address: Any) -> bytes:
    raw = socket.create_connection(address, 5)
    with believing().wrap_socket(raw, server_hostname="localhost") as client:
        socket.socket.shutdown(client, socket.SHUT_WR)  # of TCP, without a word of TLS
        return client.recv(100)


async def test_people_send_and_close_over_tls(serve_tls, connect_tls):
    it = await serve_tls()
    client = await connect_tls(it.address)
    await it.until(lambda: it.opened)
    assert (await it.ask(Send, data=b"hello", connection=1)).count == 1
    assert await client.hear(5) == b"hello"
    assert (await it.ask(Close, connection=1)).count == 1
    assert await client.hear_all() == b""


class Waiting:
    """A stream that reads nothing until it is told to."""

    host = peer = "127.0.0.1"
    tls: Any = None

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.has_ended = False

    def was_named(self, name: str) -> None: ...

    def connection_made(self, transport: Shell) -> None:
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self.heard.append(data)

    def eof_received(self) -> bool:
        self.has_ended = True
        return True


class Wire(asyncio.Transport):
    """What a shell is carried by."""

    def __init__(self) -> None:
        super().__init__()
        self.carried = bytearray()

    def write(self, data: Any) -> None:
        self.carried += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Watching:
    minimum = "1.2"

    def made(self, shell: Shell) -> None: ...


async def test_what_came_with_the_handshake_waits_until_the_stream_reads():
    """First bytes and the end may come in one piece with the last of the handshake."""
    stream, wire = Waiting(), Wire()
    shell = Shell(stream, server_context(material(), Tls(mode="on", certificate="lab")), Watching())  # type: ignore[arg-type]
    shell.connection_made(wire)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = believing().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        side.do_handshake()
    shell.data_received(outgoing.read())
    incoming.write(bytes(wire.carried))
    side.do_handshake()
    side.write(b"hello")
    with pytest.raises(ssl.SSLWantReadError):
        side.unwrap()
    shell.data_received(outgoing.read())
    await asyncio.sleep(0)
    assert (stream.heard, stream.has_ended) == ([], False)
    shell.resume_reading()
    await asyncio.sleep(0)
    assert (stream.heard, stream.has_ended) == ([b"hello"], True)


@pytest.mark.parametrize(
    ("client", "showing", "shown"),
    [
        ("none", PUMP, ("", "")),
        ("optional", None, ("", "")),
        ("optional", PUMP, ("CN=pump 7", 64)),
        ("required", PUMP, ("CN=pump 7", 64)),
    ],
)
async def test_the_clients_certificate_is_told(serve_tls, connect_tls, client, showing, shown):
    it = await serve_tls(client=client, client_ca=DEVICES.chain if client != "none" else "")
    connected = await connect_tls(it.address, believing(showing=showing))
    assert await connected.ask(b"a", 1) == b"a"
    await it.until(lambda: it.opened)
    facts = it.opened[0].tls
    assert (facts.client, len(facts.client_sha256) or "") == shown


OLD = believing()
OLD.minimum_version, OLD.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
ANCIENT = believing()
ANCIENT.set_ciphers("ALL:@SECLEVEL=0")
with warnings.catch_warnings():  # Python itself advises against it
    warnings.simplefilter("ignore")
    ANCIENT.minimum_version, ANCIENT.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
FEW = believing()
FEW.set_ciphers("ECDHE-ECDSA-AES256-SHA384")
FEW.maximum_version = ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("words", "context", "why"),
    [
        ({}, believing(root("Another")), "it does not know the authority that signed it"),
        ({}, FEW, "it offers no cipher suite that this server takes"),
        ({"minimum": "1.3"}, OLD, "it speaks no TLS 1.3 or newer"),
        ({}, ANCIENT, "it speaks no TLS 1.2 or newer"),
        (
            {"client": "required", "client_ca": DEVICES.chain},
            believing(),
            "it showed no client certificate, and this server requires one",
        ),
        (
            {"client": "optional", "client_ca": ROOT.chain},
            believing(showing=PUMP),
            "its client certificate is refused: unable to get local issuer certificate",
        ),
    ],
    ids=[
        "unknown authority",
        "no shared cipher",
        "too old",
        "much too old",
        "no client certificate",
        "stranger's certificate",
    ],
)
async def test_a_handshake_that_fails_says_why(serve_tls, words, context, why):
    it = await serve_tls(**words)
    await refused(it.address, context)
    await it.until(lambda: it.closed)
    assert it.closed[0].why.endswith(why)
    (incident,) = [one for batch in it.batches for one in batch.incidents]
    assert (incident.rule, incident.source) == ("tls", "127.0.0.1")
    assert incident.what.endswith(why)
    assert sum(batch.counted.refused.get("tls", 0) for batch in it.batches) == 1
    assert not it.messages


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (b"abc", "it sent plain text, or speaks another protocol than TLS"),
        (b"GET / HTTP/1.1\r\n\r\n", "it sent an HTTP request in plain text: use https://"),
        (b"\x80\x2e\x01\x03\x01", "it speaks SSL 2, which nobody may speak any more"),
        (b"\x16\x03\x01\x00\x02\x01\x00", ""),
    ],
    ids=["words", "http", "ssl2", "nonsense"],
)
async def test_plain_text_at_a_port_of_tls_is_named(serve_tls, connect, first, why):
    it = await serve_tls()
    client = await connect(it.address)
    await client.say(first)
    if not why:
        client.writer.write_eof()
    await asyncio.gather(client.hear_all(), return_exceptions=True)
    await it.until(lambda: it.closed)
    assert it.closed[0].why == (why or "it left in the midst of the handshake")


async def test_a_look_at_the_port_is_no_fault(serve_tls, connect):
    it = await serve_tls()
    client = await connect(it.address)
    client.leave()
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "closed by the peer before TLS began"
    assert not any(batch.incidents for batch in it.batches)


async def test_records_that_were_changed_on_the_way_end_the_connection(serve_tls):
    it = await serve_tls()

    def tamper() -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = believing().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(it.address, 5) as sock:
            carried_out(side.do_handshake, sock, incoming, outgoing)
            side.write(b"hello")
            record = bytearray(outgoing.read())
            record[-1] ^= 1
            sock.sendall(record)
            while sock.recv(100):
                pass

    await asyncio.gather(asyncio.to_thread(tamper), return_exceptions=True)
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "lost: TLS broke: decryption failed or bad record mac"
    assert not it.messages
