"""How many handshakes at once, for how long, and with which certificate; with real workers."""

import asyncio
import hashlib
import ssl
from typing import Any

import pytest

from services.servers import report
from tests.services.servers.certifying import DEVICES, ROOT, SERVER, believing, material, secured, tls
from tests.services.tls.making import pair

HURRY = "from services.servers.tls import handshakes; handshakes.{} = {}"
ECHO = {"reply": {"type": "echo"}}


def shown_to(client: Any) -> str:
    """The fingerprint of the certificate that the client saw."""
    der = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return hashlib.sha256(der).hexdigest()


def fingerprint(certificate: Any) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.chain)).hexdigest()


async def test_a_renewed_certificate_is_shown_to_the_next_and_disturbs_nobody(serve):
    it = await serve(start={"tls": material()}, tls=tls(), **ECHO)
    first = await secured(it.address)
    assert shown_to(first) == fingerprint(SERVER)
    renewed = pair("lab", issuer=ROOT)
    it.order(report.Certify(material(renewed)))
    await it.ask(report.Send, data=b"!", connection=1)  # answered behind it
    second = await secured(it.address)
    assert shown_to(second) == fingerprint(renewed)
    assert await first.hear(1) == b"!"
    assert await first.ask(b"still here", 10) == b"still here"
    assert not it.closed
    for client in (first, second):
        await client.gone()


async def test_a_renewed_certificate_that_cannot_be_used_leaves_the_old_one(serve):
    it = await serve(start={"tls": material()}, tls=tls(), **ECHO)
    alien = pair("lab", issuer=ROOT)
    it.order(report.Certify(report.TlsMaterial(SERVER.chain, alien.key_text)))
    await it.until(lambda: [one for batch in it.batches for one in batch.incidents])
    (incident,) = it.batches[-1].incidents
    assert incident.what == (
        "the old certificate goes on: The certificate lab cannot be used (key values mismatch): "
        "upload or renew it, with its own key."
    )
    client = await secured(it.address)
    assert shown_to(client) == fingerprint(SERVER)
    await client.gone()


@pytest.mark.parametrize(
    ("start", "words", "why"),
    [
        ({}, {}, "it was given no certificate"),
        ({"tls": report.TlsMaterial(SERVER.chain, "")}, {}, "cannot be used"),
        ({"tls": report.TlsMaterial(SERVER.chain, SERVER.encrypted("secret"))}, {}, "cannot be used"),
        ({"tls": material()}, {"client": "required", "client_ca": "devices"}, "no authority for clients was given"),
    ],
    ids=["nothing", "no key", "locked key", "no authority"],
)
async def test_without_what_it_needs_a_server_does_not_start(serve, start, words, why):
    it = await serve(start=start, tls=tls(**words), **ECHO)
    (failed,) = it.others
    assert isinstance(failed, report.Failed)
    assert why in failed.message
    assert "PRIVATE" not in failed.message + it.last_words()


@pytest.mark.parametrize(("first", "did"), [(b"", "begin"), (b"\x16\x03\x01", "finish")])
async def test_a_slow_handshake_is_cut(serve, connect, first, did):
    it = await serve(start={"tls": material(), "hurry": HURRY.format("WITHIN", 0.3)}, tls=tls(), **ECHO)
    client = await connect(it.address)
    if first:
        await client.say(first)
    assert await client.hear_all() == b""
    await it.until(lambda: it.closed)
    what = "begin a handshake" if did == "begin" else "finish the handshake"
    assert it.closed[0].why == f"it did not {what} within 0.3 s"


async def test_those_who_only_occupy_places_make_way(serve, connect):
    """Two places, both taken by silent ones: whoever came first makes way for the third."""
    hurry = HURRY.format("MOST", 2) + "; handshakes.PATIENCE = 0.3"
    it = await serve(start={"tls": material(), "hurry": hurry}, tls=tls(), **ECHO)
    silent = [await connect(it.address) for _ in range(2)]
    honest = await secured(it.address)
    assert await honest.ask(b"a", 1) == b"a"
    assert await silent[0].hear_all() == b""
    await honest.gone()


async def test_a_stop_waits_for_no_handshake(serve, connect):
    it = await serve(start={"tls": material()}, tls=tls(), **ECHO)
    client = await connect(it.address)
    await client.say(b"\x16\x03\x01")
    standing = await secured(it.address)
    assert await standing.ask(b"a", 1) == b"a"
    assert await it.stop() == 0
    assert sorted(closed.why for closed in it.closed) == ["the server stopped", "the server stopped"]
    await standing.gone()


async def test_many_at_once_all_get_in(serve):
    it = await serve(start={"tls": material()}, tls=tls(), limits={"connections": 100}, **ECHO)
    clients = await asyncio.gather(*(secured(it.address) for _ in range(80)))
    answers = await asyncio.gather(*(client.ask(b"%d" % n, len(b"%d" % n)) for n, client in enumerate(clients)))
    assert answers == [b"%d" % n for n in range(80)]
    await asyncio.gather(*(client.gone() for client in clients))


def test_the_devices_root_is_another_than_the_servers():
    """Else the tests of strangers' certificates prove nothing."""
    assert fingerprint(DEVICES) != fingerprint(ROOT)
    assert believing().verify_mode is ssl.CERT_REQUIRED
