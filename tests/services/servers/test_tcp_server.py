"""The stream server, as a real process: what it answers, what it records, and that nobody disturbs anybody."""

import asyncio
import random

import pytest

from services.presets import PRESETS
from services.servers.report import IN, OUT, Close, Send

ECHO = {"type": "echo"}


async def test_echoes_every_byte_and_records_both_ways(serve, connect):
    it = await serve(reply=ECHO)
    client = await connect(it.address)
    assert await client.ask(b"a\0\xff", 3) == b"a\0\xff"
    client.leave()
    await it.until(lambda: it.closed)
    assert [(row[1], row[2], row[3], row[4], row[5], row[6]) for row in it.messages] == [
        (1, client.name, IN, b"a\0\xff", 3, ""),
        (1, client.name, OUT, b"a\0\xff", 3, ""),
    ]
    assert [(opened.number, opened.peer) for opened in it.opened] == [(1, client.name)]
    assert [(closed.number, closed.why) for closed in it.closed] == [(1, "closed by the peer")]
    assert [(each.received, each.bytes_in, each.sent, each.bytes_out) for each in it.touched] == [(1, 3, 1, 3)]
    assert it.identity_holds()


@pytest.mark.parametrize(
    ("preset", "says", "gets", "closes"),
    [
        ("echo", b"abc", b"abc", False),
        ("upper", b"hello", b"HELLO", False),
        ("over", b"anything", b"over", True),
        ("upper-once", b"Hello,I am client!", b"HELLO,I AM CLIENT!", True),
        ("from-server", b"hi", b"hifrom server", False),
    ],
)
async def test_presets_answer_to_the_byte(serve, connect, preset, says, gets, closes):
    it = await serve(**PRESETS[preset].server | {"port": 1})
    client = await connect(it.address)
    if closes:
        await client.say(says)
        assert await client.hear_all() == gets
    else:
        assert await client.ask(says, len(gets)) == gets
        assert await client.ask(says, len(gets)) == gets


async def test_the_timestamp_preset_stamps_utf8_on_all_addresses(serve, connect):
    it = await serve(**PRESETS["timestamp"].server | {"port": 1})
    client = await connect(it.address)
    answer = (await client.ask("Python编程".encode(), 39)).decode()
    assert answer.startswith("[")
    assert answer.endswith("] Python编程")


async def test_a_one_shot_answer_arrives_whole_though_the_client_still_sends(serve, connect):
    """Closing over unread bytes resets the connection, and would destroy the answer."""
    it = await serve(reply={"type": "fixed", "text": "over", "close": True})
    client = await connect(it.address)
    client.writer.write(b"x" * 2_000_000)
    assert await client.hear_all() == b"over"
    client.leave()
    await it.until(lambda: it.closed)
    assert (it.sent, it.closed[0].why) == ([b"over"], "closed after its answer")
    assert it.counted["bytes_in"] == sum(row[5] for row in it.messages if row[3] == IN)


async def test_a_one_shot_server_does_not_wait_for_ever_for_its_client_to_close(serve, connect):
    it = await serve(start={"hurry": "connection.LINGER = 0.2"}, reply={"type": "fixed", "text": "over", "close": True})
    client = await connect(it.address)
    await client.say(b"x")
    assert await client.hear_all() == b"over"
    await it.until(lambda: it.closed)


async def test_a_one_shot_server_answers_one_line_of_many(serve, connect):
    it = await serve(reply=ECHO | {"close": True}, framing={"type": "line"})
    client = await connect(it.address)
    await client.say(b"one\ntwo\n")
    assert await client.hear_all() == b"one\n"
    client.leave()
    await it.until(lambda: it.closed)
    assert (it.received, it.sent) == ([b"one", b"two"], [b"one"])


async def test_many_clients_at_once_each_get_their_own(serve, connect):
    it = await serve(reply={"type": "upper"})
    clients = [await connect(it.address) for _ in range(100)]
    answers = await asyncio.gather(*(client.ask(b"client %03d" % i, 10) for i, client in enumerate(clients)))
    assert answers == [b"CLIENT %03d" % i for i in range(100)]
    for client in clients:
        client.leave()
    await it.until(lambda: len(it.closed) == 100)
    assert {opened.number for opened in it.opened} == set(range(1, 101))


@pytest.mark.parametrize(("host", "peer"), [("::1", "[::1]:"), ("::", "[::1]:"), ("0.0.0.0", "127.0.0.1:")])
async def test_speaks_both_families(serve, connect, host, peer):
    it = await serve(host=host, reply=ECHO)
    client = await connect(it.address)
    assert await client.ask(b"abc", 3) == b"abc"
    client.leave()
    await it.until(lambda: it.closed)
    assert it.opened[0].peer.startswith(peer)


async def test_an_ipv4_client_of_a_dual_stack_server_is_shown_as_what_it_is(serve, connect):
    it = await serve(host="::", reply=ECHO)
    client = await connect(("127.0.0.1", it.address[1]))
    assert await client.ask(b"abc", 3) == b"abc"
    client.leave()
    await it.until(lambda: it.closed)
    assert it.opened[0].peer == client.name


async def test_serves_on_a_unix_socket(serve, connect, tmp_path):
    it = await serve(transport="unix", host=str(tmp_path / "a.sock"), port=None, reply=ECHO)
    client = await connect(it.address)
    assert await client.ask(b"abc", 3) == b"abc"
    client.leave()
    await it.until(lambda: it.closed)
    assert it.opened[0].peer == "unix#1"


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
    await it.until(lambda: it.closed)
    assert "frame of 4294967295 > max 100" in it.closed[0].why
    assert (it.dropped, it.received) == ({"oversize": 1}, [b"x", b"y"])
    good.leave()
    bad.leave()
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


async def test_descriptors_never_run_out(serve, connect):
    """Of 100, 64 are kept back: the 37th client waits in the backlog, and those inside are served as ever."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (90, 100))"
    it = await serve(start={"hurry": limit}, reply=ECHO)
    clients = [await connect(it.address) for _ in range(60)]
    for client in clients[:36]:
        assert await client.ask(b"in", 2) == b"in"
    await clients[36].say(b"out")
    assert await clients[0].ask(b"on", 2) == b"on"
    for client in clients[:36]:
        client.leave()
    assert await clients[36].hear(3) == b"out"
    assert max(batch.open_connections for batch in it.batches) == 36
    assert it.last_words() == ""


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


async def test_at_the_cap_others_wait_in_the_backlog_and_get_their_turn(serve, connect):
    it = await serve(reply=ECHO, limits={"connections": 3})
    inside = [await connect(it.address) for _ in range(3)]
    for client in inside:
        assert await client.ask(b"in", 2) == b"in"
    outside = await connect(it.address)  # the kernel takes it
    await outside.say(b"out")
    assert await inside[0].ask(b"on", 2) == b"on"
    await it.until(lambda: len(it.messages) == 8)
    assert len(it.opened) == 3
    inside[1].leave()
    assert await outside.hear(3) == b"out"
    assert max(batch.open_connections for batch in it.batches) == 3


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


# Orders


async def test_sends_to_one_connection_framed_and_recorded_with_who_sent_it(serve, connect):
    it = await serve(framing={"type": "line"})
    one, two = await connect(it.address), await connect(it.address)
    await it.until(lambda: len(it.opened) == 2)
    done = await it.ask(Send, data=b"\xffhello", connection=2, sent_by="otto")
    assert (done.count, done.error) == (1, "")
    assert await two.hear(7) == b"\xffhello\n"
    assert [(row[1], row[3], row[4], row[6]) for row in it.messages] == [(2, OUT, b"\xffhello", "otto")]
    one.leave()


async def test_sends_to_everybody_or_to_a_peer_by_name(serve, connect):
    it = await serve()
    clients = [await connect(it.address) for _ in range(3)]
    await it.until(lambda: len(it.opened) == 3)
    assert (await it.ask(Send, data=b"all")).count == 3
    assert (await it.ask(Send, data=b"one", peer=clients[1].name)).count == 1
    assert [await clients[0].hear(3), await clients[1].hear(6)] == [b"all", b"allone"]


@pytest.mark.parametrize("whom", [{"connection": 9}, {"peer": "127.0.0.1:9"}])
async def test_whoever_is_not_connected_gets_nothing(serve, whom):
    it = await serve()
    done = await it.ask(Send, data=b"x", **whom)
    assert (done.count, done.code) == (0, "SP-2204")
    assert done.error


async def test_nobody_to_send_to_is_said(serve):
    it = await serve()
    assert (await it.ask(Send, data=b"x")).code == "SP-2208"


async def test_a_peer_that_does_not_read_is_sent_nothing_more(serve, connect):
    it = await serve(reply=ECHO)
    client = await connect(it.address)
    client.writer.transport.pause_reading()
    client.writer.write(b"x" * 30_000_000)
    done = None
    async with asyncio.timeout(10):
        while done is None or not done.error:
            done = await it.ask(Send, data=b"y" * 1_000_000)
    assert (done.code, "bytes unread" in done.error) == ("SP-2208", True)
    client.reset()


async def test_closes_a_connection_when_told(serve, connect):
    it = await serve(reply=ECHO)
    client = await connect(it.address)
    await client.ask(b"abc", 3)
    assert (await it.ask(Close, connection=1)).count == 1
    assert await client.hear_all() == b""
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "closed from the panel"
    assert (await it.ask(Close, connection=1)).code == "SP-2204"


# The end


async def test_a_stop_hands_over_what_is_under_way_and_waits_for_no_idle_peer(serve, connect):
    it = await serve(reply={"type": "fixed", "text": "x" * 60_000}, framing={"type": "line"})
    idle, busy = await connect(it.address), await connect(it.address)
    await busy.say(b"\n" * 20)
    await it.until(lambda: len(it.sent) == 20)
    began = asyncio.get_running_loop().time()
    ending = asyncio.create_task(it.stop(), name="stop")
    assert len(await busy.hear_all()) == 20 * 60_001
    assert await idle.hear_all() == b""
    assert await ending == 0
    assert asyncio.get_running_loop().time() - began < 2
    assert {closed.why for closed in it.closed} == {"the server stopped"}
    assert it.identity_holds()
    idle.leave()


async def test_a_stop_answers_what_waits_for_the_store_and_takes_in_no_more(serve, connect):
    it = await serve(reply=ECHO, limits={"reply_after_commit": True})
    it.acknowledges = False
    client = await connect(it.address)
    await client.say(b"one")
    await it.until(lambda: it.messages)
    it.process.terminate()
    it.acknowledges = True
    it.acknowledge()
    assert await client.hear_all() == b"one"
    assert await it.ended() == 0
    assert it.sent == [b"one"]


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


async def test_a_stop_does_not_wait_for_whoever_never_reads(serve, connect):
    it = await serve(reply=ECHO)
    client = await connect(it.address)
    client.writer.transport.pause_reading()
    client.writer.write(b"x" * 30_000_000)
    await it.until(lambda: it.messages)
    began = asyncio.get_running_loop().time()
    assert await it.stop() == 0
    assert asyncio.get_running_loop().time() - began < 4
    assert [closed.why for closed in it.closed] == ["the server stopped"]


async def test_numbers_go_on_where_an_earlier_run_ended(serve, connect):
    it = await serve(start={"next_connection": 41}, reply=ECHO)
    client = await connect(it.address)
    await client.ask(b"x", 1)
    client.leave()
    await it.until(lambda: it.closed)
    assert it.opened[0].number == 41


async def test_accepts_again_after_the_peers_of_a_full_backlog_have_gone(serve, connect):
    """A connection that was reset in the backlog must not end the accepting."""
    it = await serve(reply=ECHO, limits={"connections": 1})
    inside = await connect(it.address)
    await inside.ask(b"x", 1)
    gone = await connect(it.address)
    gone.reset()
    inside.leave()
    client = await connect(it.address)
    assert await client.ask(b"abc", 3) == b"abc"
