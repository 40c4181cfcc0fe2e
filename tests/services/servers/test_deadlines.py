"""Real servers and peers without manners: each is cut off in time, told of, and disturbs nobody."""

import asyncio

import pytest

from tests.waiting import eventually_async

ECHO = {"type": "echo"}
LENGTH = {"type": "length", "size": 4}


def incidents(it):
    return [(each.rule, each.source, each.what) for batch in it.batches for each in batch.incidents]


@pytest.mark.parametrize(
    ("rule", "limit", "words", "said", "why"),
    [
        ("first-byte", "first_byte_timeout", {}, b"", "it said nothing for 0.5 s"),
        ("idle", "idle_timeout", {}, b"hello", "nothing came or went for 0.5 s"),
        (
            "frame",
            "frame_timeout",
            {"framing": LENGTH},
            b"\0\0\0\5ab",
            "a frame was not complete 0.5 s after its first byte",
        ),
        (
            "frame",
            "frame_timeout",
            {"framing": {"type": "line"}},
            b"half a line",
            "a frame was not complete 0.5 s after its first byte",
        ),
    ],
)
async def test_a_peer_without_manners_is_closed_in_time_by_its_rule(serve, connect, rule, limit, words, said, why):
    it = await serve(reply={"type": "none"}, limits={limit: 0.5}, **words)
    client = await connect(it.address)
    began = asyncio.get_running_loop().time()
    client.writer.write(said)
    assert await client.hear_all() == b""
    assert 0.45 <= asyncio.get_running_loop().time() - began < 1.5
    client.leave()
    await it.until(lambda: it.closed and incidents(it))
    assert it.closed[0].why == why
    assert incidents(it) == [(rule, "127.0.0.1", f"closed 127.0.0.1: {why}")]
    assert it.identity_holds()


async def drips(client, first: bytes) -> None:
    """A byte every now and then until the server has enough of it."""
    client.writer.write(first)
    while not client.writer.transport.is_closing():
        client.writer.write(b"\1")
        await asyncio.sleep(0.1)  # this is what dripping means


@pytest.mark.parametrize(
    "framing",
    [
        LENGTH,
        {"type": "line"},
        {"type": "delimiter", "delimiter": "||"},
        {"type": "fixed", "size": 9999},
    ],
)
async def test_bytes_that_drip_complete_no_frame_and_are_cut_while_good_clients_see_nothing(serve, connect, framing):
    it = await serve(reply=ECHO, framing=framing, limits={"frame_timeout": 1})
    dripping = await connect(it.address)
    good = {"length": b"\0\0\3\xe8" + b"x" * 1000, "line": b"yxxxx\n", "delimiter": b"yxxxx||", "fixed": b"x" * 9999}[
        framing["type"]
    ]
    task = asyncio.create_task(drips(dripping, good[:4]), name="drip")
    clients = [await connect(it.address) for _ in range(20)]
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(10):
        while not it.closed:
            assert await asyncio.gather(*(client.ask(good, len(good)) for client in clients)) == [good] * 20
    assert asyncio.get_running_loop().time() - began < 2
    await it.until(lambda: incidents(it))
    assert [(closed.number, rule) for closed in it.closed for rule, *_ in incidents(it)] == [(1, "frame")]
    await task


async def test_frames_in_time_are_never_cut_however_long_the_connection_lasts(serve, connect):
    it = await serve(reply=ECHO, framing={"type": "line"}, limits={"frame_timeout": 0.5})
    client = await connect(it.address)
    until = asyncio.get_running_loop().time() + 1.5
    while asyncio.get_running_loop().time() < until:
        await client.say(b"li")
        assert await client.ask(b"ne\n", 5) == b"line\n"
    assert incidents(it) == []


async def test_a_peer_that_leaves_its_answers_unread_is_told_of(serve, connect):
    it = await serve(reply=ECHO, limits={"write_timeout": 1})
    client = await connect(it.address)
    client.writer.transport.pause_reading()
    client.writer.write(b"x" * 30_000_000)
    await it.until(lambda: it.closed and incidents(it))
    assert incidents(it)[0][:2] == ("write", "127.0.0.1")
    assert "unread for 1 s" in incidents(it)[0][2]


async def test_time_in_which_the_store_is_behind_counts_for_nobody(serve, connect):
    it = await serve(
        framing={"type": "line"}, limits={"frame_timeout": 2, "idle_timeout": 2, "keep_bytes": 1024 * 1024}
    )
    it.acknowledges = False
    waiting, flood = await connect(it.address), await connect(it.address)
    await waiting.say(b"half")
    flood.writer.write((b"x" * 999_999 + b"\n") * 40)
    await it.until(lambda: sum(len(data) for data in it.received) > 12_000_000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting.reader.read(1), 2.5)
    assert it.closed == []
    it.acknowledges = True
    it.acknowledge()
    await waiting.say(b" a line\n")
    await it.until(lambda: b"half a line" in it.received)
    flood.reset()


async def test_without_the_limits_silence_may_last(serve, connect):
    it = await serve(reply=ECHO)
    client = await connect(it.address)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.read(1), 1)
    assert await client.ask(b"abc", 3) == b"abc"


async def test_a_full_server_says_so_and_refuses_nobody(serve, connect):
    it = await serve(reply=ECHO, limits={"connections": 2})
    inside = [await connect(it.address) for _ in range(2)]
    outside = await connect(it.address)
    await outside.say(b"out")
    await it.until(lambda: incidents(it))
    assert incidents(it) == [("full", "", "2 connections are open: further ones wait")]
    inside[0].leave()
    assert await outside.hear(3) == b"out"
    await eventually_async(lambda: len(it.opened) == 3)
    assert all(not batch.counted.refused for batch in it.batches)
