"""What strangers may send to a port of TLS: it ends their connection, and nothing else."""

import asyncio
import socket
import ssl
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.servers.spec import Tls
from services.servers.tls.context import server_context
from services.servers.tls.shell import Shell
from tests.services.servers.certifying import SERVER, believing, material, secured, tls
from tests.services.servers.secrets_of import TOKEN, TOKEN_FOUND, leaks
from tests.services.tls.making import Pair

CONTEXT = server_context(material(), Tls(mode="on", certificate="lab"))
HELLO = b"\x16\x03\x01"


class Stream:
    """What a shell is around."""

    host = peer = "127.0.0.1"
    tls: Any = None

    def __init__(self) -> None:
        self.never = ""

    def overhear(self, data: bytes) -> None: ...

    def was_named(self, name: str) -> None: ...

    def never_made(self, why: str) -> None:
        self.never = why

    def connection_made(self, transport: Any) -> None:
        raise AssertionError("nonsense made a connection")


class Wire(asyncio.Transport):
    """What a shell is carried by."""

    closed = 0

    def write(self, data: Any) -> None: ...

    def is_closing(self) -> bool:
        return bool(self.closed)

    def close(self) -> None:
        self.closed += 1


class Host:
    minimum = "1.2"

    def __init__(self) -> None:
        self.failures = 0

    def failed(self, shell: Shell, why: str, is_fault: bool) -> None:
        self.failures += 1


def hello() -> bytes:
    """The first bytes of an honest client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = believing().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


HONEST = hello()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=600), max_size=6), st.integers(0, len(HONEST)), st.booleans())
def test_nonsense_ends_the_handshake_once_and_breaks_nothing(pieces: list[bytes], honest: int, ends: bool) -> None:
    """An honest beginning of any length, then anything, in any pieces."""
    stream, wire, host = Stream(), Wire(), Host()
    shell = Shell(stream, CONTEXT, host)  # type: ignore[arg-type]
    shell.connection_made(wire)
    for piece in [HONEST[:honest], *pieces]:
        if piece:
            shell.data_received(piece)
    if ends:
        shell.eof_received()
    shell.connection_lost(None)
    assert (host.failures, bool(stream.never)) == (1, True)
    assert wire.closed <= 1


async def test_a_server_name_that_is_none_is_refused_with_its_reason(serve: Any) -> None:
    it = await serve(start={"tls": material()}, tls=tls())
    mangled = HONEST.replace(b"localhost", b"local\xffost")
    assert mangled != HONEST
    with socket.create_connection(it.address, 5) as sock:
        sock.sendall(mangled)
        await it.until(lambda: it.closed)
    assert it.closed[0].why == "it asked for a server name that is none"
    assert "Traceback" not in it.last_words()


async def test_a_name_that_would_act_is_kept_visible(serve: Any) -> None:
    it = await serve(start={"tls": material()}, tls=tls())
    context = believing(Pair(SERVER.certificate, SERVER.key))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = await secured(it.address, context, name="lab-\x1b[31m.lan")
    await it.until(lambda: it.opened)
    assert it.opened[0].tls.name == r"lab-\x1b[31m.lan"
    await client.gone()


async def test_a_token_as_a_server_name_is_told_of_and_not_kept(serve: Any) -> None:
    it = await serve(start={"tls": material()}, tls=tls())
    context = believing(Pair(SERVER.certificate, SERVER.key))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = await secured(it.address, context, name=f"{TOKEN.decode()}.lan")
    await it.until(lambda: any(batch.exposed for batch in it.batches))
    assert it.opened[0].tls.name == "sp_[redacted].lan"
    assert leaks(repr(it.batches).encode()) == []
    assert [(one.kind, one.digest) for batch in it.batches for one in batch.exposed] == [TOKEN_FOUND]
    await client.gone()
