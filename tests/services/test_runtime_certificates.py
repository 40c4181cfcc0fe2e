"""From a certificate's row to a handshake and back: it is shown, renewed under way, and what the client was is kept."""

import asyncio
import os
import ssl
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services import history, operations
from services.audit import word
from services.client import build
from services.client.request import Exchange
from services.client.targets import exchange
from services.errors import CertificateUnusable
from services.models import Certificate
from services.tls import keyfiles, own, shelf, store
from tests.ports import free_port
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

TLS = {"mode": "on", "certificate": "lab"}


@pytest.fixture
async def lab(node: Any) -> Certificate:
    return await asyncio.to_thread(store.make, {"name": "lab", "names": ["localhost", "127.0.0.1"]}, "ada")


async def talk(port: int) -> Exchange:
    """As the Client page does it: the panel believes its own authority."""
    words = {
        "transport": "tcp",
        "host": "127.0.0.1",
        "port": port,
        "data": "abc",
        "tls": True,
        "expect": 1,
        "timeout": 5,
    }
    return await exchange(build(words))


async def test_a_certificate_of_the_panels_own_is_shown_and_believed(node: Any, lab: Certificate) -> None:
    port = free_port()
    server = await node.running(preset="echo", port=port, tls=TLS)
    done = await talk(port)
    assert [piece.data for piece in done.received] == [b"abc"]
    assert done.tls is not None
    assert done.tls.sha256 == lab.fingerprint

    async def closed() -> list[dict[str, Any]]:
        return [one for one in await sync_to_async(history.connections_of)(server.pk) if one["closed_at"]]

    (connection,) = await eventually_async(closed)
    assert (connection["tls"]["version"], connection["tls"]["cipher"]) == (done.tls.version, done.tls.cipher)
    assert (connection["received"], connection["sent"]) == (1, 1)


async def test_a_renewal_reaches_the_next_connection_and_leaves_the_others(node: Any, lab: Certificate) -> None:
    port = free_port()
    server = await node.running(preset="echo", port=port, tls=TLS)
    context = ssl.create_default_context(cadata=(await sync_to_async(shelf.find)(own.AUTHORITY)).chain)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    pid = (await node.look(server))["pid"]
    renewed = await asyncio.to_thread(store.renew, "lab", {}, "ada")

    async def is_shown() -> bool:
        met = (await talk(port)).tls
        return met is not None and met.sha256 == renewed.fingerprint

    await eventually_async(is_shown)
    writer.write(b"still here")
    assert await asyncio.wait_for(reader.readexactly(10), 5) == b"still here"
    assert (await node.look(server))["pid"] == pid
    writer.close()
    await writer.wait_closed()


async def test_a_server_whose_key_is_gone_does_not_start_and_says_why(node: Any, lab: Certificate) -> None:
    server = await node.create(preset="echo", port=free_port(), tls=TLS)
    keyfiles.path_of(lab.public).unlink()
    described = await node.start(server)
    assert described["state"] == "FATAL"
    assert "The private key of lab is not on this machine" in described["reason"]


async def test_a_running_server_goes_over_to_tls_or_stays_as_it_was(node: Any, lab: Certificate) -> None:
    port = free_port()
    server = await node.running(preset="echo", port=port)
    keyfile = keyfiles.path_of(lab.public)
    key = keyfile.read_bytes()
    keyfile.unlink()
    with pytest.raises(CertificateUnusable):
        await asyncio.to_thread(operations.change, server, {"tls": TLS}, "ada")
    await server.arefresh_from_db()
    assert server.tls["mode"] == "off"
    keyfile.touch(0o600)
    keyfile.write_bytes(key)
    await asyncio.to_thread(operations.change, server, {"tls": TLS}, "ada")
    await node.until(server, lambda described: described["state"] == "RUNNING")
    assert (await talk(port)).tls is not None


async def test_keys_that_no_certificate_names_are_put_aside_at_a_start_but_not_at_the_one_after_a_restore(
    node: Any, lab: Certificate
) -> None:
    await node.down()
    orphan = keyfiles.path_of("a" * 64)
    orphan.write_text("a key")
    os.utime(orphan, (1, 1))
    with word.leaving(node.directory, {"who": "root", "file": "/b.tar"}):
        pass
    await node.up()
    await eventually_async(lambda: asyncio.sleep(0, not word.waits(node.directory)))
    assert orphan.exists()
    await node.down()
    await node.up()
    await eventually_async(lambda: asyncio.sleep(0, not orphan.exists()))
    assert len(list(orphan.parent.glob("*.key"))) == 2  # the authority's and the certificate's
