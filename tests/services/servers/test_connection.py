"""One connection of a real stream server: its messages, its peer's manners, and the store that it waits for."""

import asyncio
import random

import pytest

from services.presets import PRESETS
from services.servers.report import IN, OUT

ECHO = {"type": "echo"}


# Framing


async def test_lines_are_messages_however_they_come_and_answers_end_as_they_did(serve, connect):
    it = await serve(framing={"type": "line"}, reply={"type": "suffix", "text": "!"})
    client = await connect(it.address)
    for piece in (b"on", b"e\r", b"\ntwo\nthr"):
        await client.say(piece)
    assert await client.hear(11) == b"one!\r\ntwo!\n"
    client.leave()
    await it.until(lambda: it.closed)
    assert it.received == [b"one", b"two", b"thr"]  # what nobody finished is a message too, and is not answered
    assert it.sent == [b"one!", b"two!"]


async def test_answers_are_framed_as_requests_are(serve, connect):
    it = await serve(framing={"type": "length", "size": 2}, reply=ECHO)
    client = await connect(it.address)
    assert await client.ask(b"\0\3abc\0\0", 7) == b"\0\3abc\0\0"
    client.leave()
    await it.until(lambda: it.closed)
    assert it.received == it.sent == [b"abc", b""]


async def test_a_frame_over_the_limit_ends_its_connection_and_no_other(serve, connect):
    it = await serve(framing={"type": "length", "size": 4, "max_bytes": 100}, reply=ECHO)
    good, bad = await connect(it.address), await connect(it.address)
    assert await bad.ask(b"\0\0\0\1x", 5) == b"\0\0\0\1x"
    await bad.say(b"\xff\xff\xff\xff")
    assert await bad.hear_all() == b""
    assert await good.ask(b"\0\0\0\1y", 5) == b"\0\0\0\1y"
    await it.until(lambda: it.closed and len(it.received) == 2)
    assert "frame of 4294967295 > max 100" in it.closed[0].why
    assert (it.dropped, it.received) == ({"oversize": 1}, [b"x", b"y"])
    good.leave()
    bad.leave()
    assert it.identity_holds()


@pytest.mark.parametrize(
    ("framing", "said", "reason"),
    [
        ({"type": "line", "max_bytes": 100}, b"a\n" + b"x" * 10_000, "oversize"),
        ({"type": "length", "size": 1, "includes_itself": True}, b"\2a\0" + b"x" * 10_000, "malformed"),
        ({"type": "length", "size": 2}, b"\0\1a\xff\xff" + b"x" * 10_000, "incomplete"),
    ],
)
async def test_what_is_dropped_counts_for_its_connection_too(serve, connect, framing, said, reason):
    it = await serve(framing=framing)
    client = await connect(it.address)
    client.writer.write(said)
    client.leave()
    await it.until(lambda: it.closed)
    received, came = sum(t.received for t in it.touched), sum(t.bytes_in for t in it.touched)
    assert (it.dropped, received, it.counted["received"]) == ({reason: 1}, 2, 2)
    assert came == it.counted["bytes_in"] > 100
    assert it.identity_holds()


async def test_half_a_length_prefixed_frame_is_counted_and_not_kept(serve, connect):
    it = await serve(framing={"type": "length", "size": 2}, reply=ECHO)
    client = await connect(it.address)
    await client.say(b"\0\5ab")
    client.leave()
    await it.until(lambda: it.closed)
    assert (it.dropped, it.received) == ({"incomplete": 1}, [])


async def test_an_answer_that_no_prefix_can_count_is_counted_and_nothing_else_suffers(serve, connect):
    it = await serve(framing={"type": "length", "size": 1}, reply={"type": "suffix", "text": "x" * 200})
    client = await connect(it.address)
    await client.say(b"\x64" + b"a" * 100)
    assert await client.ask(b"\1b", 202) == b"\xc9b" + b"x" * 200
    client.leave()
    await it.until(lambda: it.closed)
    assert (it.sent_dropped, len(it.sent)) == ({"oversize": 1}, 1)
    assert it.identity_holds()


async def test_thousands_of_tiny_frames_in_one_read_are_all_answered_and_others_get_their_turn(serve, connect):
    it = await serve(framing={"type": "line"}, reply=ECHO)
    busy, other = await connect(it.address), await connect(it.address)
    busy.writer.write(b"\n" * 100_000)
    assert await other.ask(b"me\n", 3) == b"me\n"
    assert await busy.hear(100_000) == b"\n" * 100_000
    busy.leave()
    other.leave()
    await it.until(lambda: len(it.closed) == 2)
    assert (len(it.received), len(it.sent)) == (100_001, 100_001)
    assert max(len(batch.messages) for batch in it.batches) <= 6_000


# What is kept


async def test_what_is_over_keep_bytes_is_cut_and_the_size_stays_true(serve, connect):
    it = await serve(reply=ECHO, limits={"keep_bytes": 4}, framing={"type": "line"})
    client = await connect(it.address)
    assert await client.ask(b"abcdefgh\nabcd\n", 14) == b"abcdefgh\nabcd\n"
    client.leave()
    await it.until(lambda: it.closed)
    assert [(row[4], row[5]) for row in it.messages if row[3] == IN] == [(b"abcd", 8), (b"abcd", 4)]
    assert [(row[4], row[5]) for row in it.messages if row[3] == OUT] == [(b"abcd", 8), (b"abcd", 4)]


async def test_ten_megabytes_in_one_message_are_answered_and_counted(serve, connect):
    size = 10_000_000
    it = await serve(reply=ECHO, framing={"type": "length", "size": 4, "max_bytes": 16 * 1024 * 1024})
    client = await connect(it.address)
    data = bytes(range(256)) * (size // 256)
    frame = len(data).to_bytes(4, "big") + data
    client.writer.write(frame)
    assert await client.hear(len(frame)) == frame
    client.leave()
    await it.until(lambda: it.closed)
    assert [(row[5], len(row[4])) for row in it.messages] == [(len(data), 65_536)] * 2


# Peers that misbehave


async def test_a_reset_is_recorded_and_disturbs_nobody(serve, connect):
    it = await serve(**PRESETS["from-server"].server | {"port": 1})
    good, bad = await connect(it.address), await connect(it.address)
    assert await bad.ask(b"hi", 13) == b"hifrom server"
    bad.reset()
    assert await good.ask(b"hi", 13) == b"hifrom server"
    await it.until(lambda: it.closed)
    assert (it.closed[0].number, it.closed[0].why) == (2, "reset by the peer")


async def test_whoever_never_reads_is_read_no_further_and_closed_after_a_while(serve, connect):
    it = await serve(reply=ECHO, limits={"write_timeout": 1})
    good, bad = await connect(it.address), await connect(it.address)
    bad.writer.transport.pause_reading()
    bad.writer.write(b"x" * 30_000_000)
    await it.until(lambda: it.closed)
    assert it.closed[0].number == 2
    assert it.closed[0].why.startswith("it left ")
    assert it.closed[0].why.endswith(" bytes unread for 1 s")
    assert it.counted["bytes_in"] < 30_000_000
    assert await good.ask(b"abc", 3) == b"abc"
    good.leave()
    bad.leave()
    assert it.identity_holds()


async def test_whoever_reads_slowly_but_reads_is_not_closed(serve, connect):
    it = await serve(
        reply={"type": "fixed", "text": "x" * 60_000}, limits={"write_timeout": 1}, framing={"type": "line"}
    )
    client = await connect(it.address)
    client.writer.write(b"\n" * 200)
    loop, got = asyncio.get_running_loop(), 0
    client.reader._limit = 1000  # the test's own buffer is small, so that the server's fills
    until = loop.time() + 2.5
    while got < 200 * 60_001:
        got += len(await asyncio.wait_for(client.reader.read(400_000), 5))
        if loop.time() < until:
            await asyncio.sleep(0.05)  # this is what slowly means
    assert it.closed == []


@pytest.mark.parametrize("kind", ["line", "delimiter", "fixed", "length"])
async def test_no_bytes_break_a_server(serve, connect, kind):
    """Every message is answered or its connection closed, and the account is right whatever comes."""
    framing = {"type": kind, "size": 4, "delimiter": "||", "max_bytes": 1000}
    it = await serve(framing=framing, reply=ECHO, limits={"keep_bytes": 3})
    dice = random.Random(7)
    for _ in range(30):
        client = await connect(it.address)
        client.writer.write(
            dice.randbytes(dice.randrange(5_000)).replace(b"\xff", dice.choice([b"||", b"\n", b"\0\0\0\2"]))
        )
        client.writer.write_eof()
        await asyncio.gather(client.hear_all(), return_exceptions=True)
    await it.until(lambda: len(it.closed) == 30)
    assert await it.stop() == 0
    assert it.identity_holds()
    assert it.last_words() == ""


# The store


async def test_an_answer_that_waits_for_the_store_comes_after_it(serve, connect):
    it = await serve(reply=ECHO, limits={"reply_after_commit": True}, framing={"type": "line"})
    it.acknowledges = False
    client = await connect(it.address)
    await client.say(b"one\ntwo\n")
    await it.until(lambda: it.messages)
    assert (it.received, it.sent) == ([b"one", b"two"], [])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.read(1), 0.1)
    it.acknowledge()
    it.acknowledges = True
    assert await client.hear(8) == b"one\ntwo\n"
    client.leave()
    await it.until(lambda: it.closed)
    assert it.sent == [b"one", b"two"]


async def test_an_answer_that_waits_outlives_the_clients_last_word(serve, connect):
    it = await serve(reply=ECHO | {"close": True}, limits={"reply_after_commit": True})
    it.acknowledges = False
    client = await connect(it.address)
    client.writer.write(b"last")
    client.writer.write_eof()
    await it.until(lambda: it.messages)
    it.acknowledge()
    it.acknowledges = True
    assert await client.hear_all() == b"last"


async def test_while_the_store_is_behind_nothing_is_read_and_nothing_is_lost(serve, connect):
    it = await serve(limits={"keep_bytes": 1024 * 1024})
    it.acknowledges = False
    client = await connect(it.address)
    client.writer.write(b"x" * 60_000_000)
    await it.until(lambda: sum(len(data) for data in it.received) > 13_000_000)
    client.writer.transport.set_write_buffer_limits(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.writer.drain(), 0.3)  # our kernel holds the rest
    assert sum(len(data) for data in it.received) <= 16 * 1024 * 1024
    it.acknowledges = True
    it.acknowledge()
    await asyncio.wait_for(client.writer.drain(), 10)
    client.leave()
    await it.until(lambda: it.closed)
    assert sum(len(data) for data in it.received) == 60_000_000
    assert it.dropped == {}


async def test_a_bad_frame_behind_a_good_one_waits_until_that_is_answered(serve, connect):
    framing = {"type": "length", "size": 1, "max_bytes": 9}
    it = await serve(reply=ECHO, limits={"reply_after_commit": True}, framing=framing)
    it.acknowledges = False
    client = await connect(it.address)
    await client.say(b"\1a\xff")
    await it.until(lambda: it.messages)
    it.acknowledges = True
    it.acknowledge()
    assert await client.hear_all() == b"\1a"
    await it.until(lambda: it.closed)
    assert (it.dropped, "frame of 255 > max 9" in it.closed[0].why) == ({"oversize": 1}, True)
