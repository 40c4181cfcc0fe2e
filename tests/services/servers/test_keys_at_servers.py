"""The panel's own key at real servers of every kind: a browser hands it to whatever serves on the panel's host."""

import asyncio

import pytest

from services.servers.report import Close, Send
from tests.services.servers.certifying import material, secured, tls
from tests.services.servers.clients import Datagrams, connected
from tests.services.servers.commanding import briefing
from tests.services.servers.secrets_of import KEY, NAME, REQUEST, SESSION, STORED, TOKEN_FOUND, leaks

FRAMINGS = [
    {"type": "none"},
    {"type": "line"},
    {"type": "delimiter", "delimiter": "; "},
    {"type": "fixed", "size": 16},
    {"type": "length", "size": 1},
]


def exposed(it) -> set[tuple[str, bytes]]:
    return {(one.kind, one.digest) for batch in it.batches for one in batch.exposed}


def rules(it) -> set[str]:
    return {one.rule for batch in it.batches for one in batch.incidents}


def told(it) -> bytes:
    """Everything that left the worker, as it would be stored or logged."""
    return repr(it.batches).encode() + repr(it.begun + it.ends).encode() + it.last_words().encode()


async def sent_in(it, pieces: list[bytes]) -> bytes:
    """What a client hears that sends these pieces, each by itself."""
    client = await connected(it.address)
    try:
        for piece in pieces:
            await client.say(piece)
            await asyncio.sleep(0)
        client.writer.write_eof()
        return await client.hear_all()
    finally:
        await client.gone()


CASES = [
    *((framed, "suffix") for framed in FRAMINGS),
    *((FRAMINGS[0], reply) for reply in ("echo", "upper", "timestamp")),
]


@pytest.mark.parametrize(("framed", "reply"), CASES)
async def test_a_browsers_request_is_stored_without_keys_and_the_keys_are_told_of(serve, framed, reply):
    it = await serve(framing=framed, reply={"type": reply, "text": "!"} if reply == "suffix" else {"type": reply})
    for pieces in ([REQUEST], [REQUEST[at : at + 7] for at in range(0, len(REQUEST), 7)]):
        await sent_in(it, pieces)
    await it.until(lambda: len(it.closed) == 2)
    assert leaks(told(it)) == []
    assert (exposed(it), "secret" in rules(it)) == ({SESSION, TOKEN_FOUND}, True)
    assert it.identity_holds()


async def test_the_peer_gets_the_bytes_as_they_are(serve):
    it = await serve(reply={"type": "echo"})
    assert await sent_in(it, [REQUEST]) == REQUEST
    await it.until(lambda: it.closed)
    assert it.received == it.sent == [STORED]
    assert {row[5] for row in it.messages} == {len(REQUEST)}


async def test_a_time_server_stores_none(serve):
    it = await serve(kind="time", transport="tcp")
    await sent_in(it, [REQUEST])
    await it.until(lambda: it.closed)
    assert leaks(told(it)) == []
    assert exposed(it) == {SESSION, TOKEN_FOUND}


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "udp", "reply": {"type": "echo"}},
        {"kind": "udp", "reply": {"type": "upper"}},
        {"kind": "time", "transport": "udp"},
        {"kind": "broadcast-receiver"},
    ],
    ids=lambda words: words["kind"],
)
async def test_nor_does_a_datagram_server(serve, words):
    it = await serve(**words)
    with Datagrams() as client:
        client.sock.sendto(REQUEST, it.address)
        await it.until(lambda: exposed(it))
    assert leaks(told(it)) == []
    assert exposed(it) == {SESSION, TOKEN_FOUND}
    assert "secret" in rules(it)


async def test_an_answer_to_a_datagram_is_the_whole_one(serve):
    it = await serve(kind="udp", reply={"type": "echo"})
    with Datagrams() as client:
        assert await client.ask(REQUEST, it.address) == REQUEST
    await it.until(lambda: it.sent)
    assert it.received == it.sent == [STORED]


async def test_what_a_person_sends_is_stored_without_keys(serve, connect):
    it = await serve()
    client = await connect(it.address)
    await it.until(lambda: it.opened)
    await it.ask(Send, data=REQUEST, connection=it.opened[0].number, sent_by="ada")
    assert await client.hear(len(REQUEST)) == REQUEST
    await it.until(lambda: it.sent)
    assert (it.sent, exposed(it)) == ([STORED], set())


async def test_a_paced_connection_stores_none(serve):
    it = await serve(reply={"type": "echo"}, limits={"messages_per_second": 1000})
    await sent_in(it, [REQUEST])
    await it.until(lambda: it.closed)
    assert (leaks(told(it)), exposed(it)) == ([], {SESSION, TOKEN_FOUND})


async def test_half_a_message_at_the_end_is_stored_without_its_key(serve):
    it = await serve(framing={"type": "line"})
    await sent_in(it, [b"Cookie: " + NAME + b"=" + KEY[:20], KEY[20:]])
    await it.until(lambda: it.closed)
    assert it.received == [b"Cookie: " + NAME + b"=[redacted]"]
    assert exposed(it) == {SESSION}


async def test_a_connection_that_is_closed_meanwhile_stores_none(serve, connect):
    it = await serve(framing={"type": "line"})
    client = await connect(it.address)
    await client.say(NAME + b"=" + KEY)
    await it.until(lambda: exposed(it))
    await it.ask(Close, connection=it.opened[0].number)
    await it.until(lambda: it.closed)
    assert leaks(told(it)) == []


READY = {"kind": "command", "options": {"dialect": "ready"}}


async def test_a_browser_at_a_server_of_textbooks_is_refused_and_its_key_told_of(serve):
    it = await serve(start={"briefing": briefing()}, **READY)
    assert await sent_in(it, [REQUEST]) == b"cmd ERROR"
    await it.until(lambda: it.closed)
    assert (leaks(told(it)), exposed(it)) == ([], {SESSION, TOKEN_FOUND})


@pytest.mark.parametrize("line", [b"echo %s=%s", b"%s=%s x", b"printf '%s=%s'"])
async def test_a_command_line_with_a_key_is_written_down_without_it(serve, connect, line):
    it = await serve(start={"briefing": briefing()}, **READY)
    client = await connect(it.address)
    await client.say(line % (NAME, KEY))
    await it.until(lambda: it.ends)
    await it.until(lambda: it.sent)
    assert leaks(told(it)) == []
    assert b"[redacted]" in it.received[0]
    assert exposed(it) == {SESSION}


async def test_a_browser_at_a_remote_command_server_has_its_key_told_of(serve_commands):
    it = await serve_commands()
    await sent_in(it, [REQUEST])
    await it.until(lambda: it.closed)
    assert (leaks(told(it)), exposed(it)) == ([], {SESSION, TOKEN_FOUND})


async def test_a_key_that_comes_through_tls_is_not_stored(serve):
    it = await serve(start={"tls": material()}, tls=tls(), reply={"type": "echo"})
    client = await secured(it.address)
    assert await client.ask(REQUEST, len(REQUEST)) == REQUEST
    await client.gone()
    await it.until(lambda: it.closed)
    assert (it.received, exposed(it)) == ([STORED], {SESSION, TOKEN_FOUND})


async def test_a_key_in_plain_text_at_a_port_of_tls_is_told_of(serve):
    it = await serve(start={"tls": material()}, tls=tls())
    await sent_in(it, [REQUEST])
    await it.until(lambda: exposed(it))
    assert (leaks(told(it)), exposed(it)) == ([], {SESSION, TOKEN_FOUND})
