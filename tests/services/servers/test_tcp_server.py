"""The stream server, as a real process: what it answers, what it records, and that nobody disturbs anybody."""

import asyncio

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


# As many as are allowed


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
