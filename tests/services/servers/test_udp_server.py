"""The datagram server, as a real process: every datagram is a message, an empty one too."""

import asyncio
import ctypes
import os
import socket
import struct

import pytest

from services.presets import PRESETS
from services.servers import report, socket_options, udp_server, validation
from services.servers.report import IN, OUT, Close, Send
from services.servers.reporter import Reporter
from services.servers.server import Past
from tests.services.servers.clients import Datagrams
from tests.services.servers.flood import flood

ECHO = {"type": "echo"}
LOCAL = ("127.0.0.1", 0)
SO_ATTACH_FILTER = 26  # asm-generic/socket.h


@pytest.mark.parametrize(
    ("preset", "says", "gets"),
    [
        ("upper-udp", b"hello", b"HELLO"),
        ("upper-udp", b"", b""),
        ("receive", b"anything", b"Receive"),
        ("receive", b"", b"Receive"),
    ],
)
async def test_presets_answer_to_the_byte(serve, preset, says, gets):
    it = await serve(**PRESETS[preset].server | {"port": 1})
    with Datagrams() as client:
        assert await client.ask(says, it.address) == gets


async def test_the_timestamp_comes_in_one_datagram(serve):
    it = await serve(**PRESETS["timestamp-udp"].server | {"port": 1})
    with Datagrams() as client:
        answer = (await client.ask("Python编程".encode(), it.address)).decode()
    assert answer.startswith("[")
    assert answer.endswith("] Python编程")


async def test_records_every_datagram_with_its_sender(serve):
    it = await serve(kind="udp", reply=ECHO)
    with Datagrams(bound=LOCAL) as one, Datagrams(bound=LOCAL) as two:
        await one.ask(b"a\0\xff", it.address)
        await two.ask(b"", it.address)
        await one.ask(b"b", it.address)
        await it.until(lambda: len(it.messages) == 6)
        assert [(row[1], row[2], row[3], row[4], row[5]) for row in it.messages] == [
            (1, one.name, IN, b"a\0\xff", 3),
            (1, one.name, OUT, b"a\0\xff", 3),
            (2, two.name, IN, b"", 0),
            (2, two.name, OUT, b"", 0),
            (1, one.name, IN, b"b", 1),
            (1, one.name, OUT, b"b", 1),
        ]
        assert [(opened.number, opened.peer) for opened in it.opened] == [(1, one.name), (2, two.name)]
    assert it.batches[-1].open_connections == 2


async def test_the_sink_answers_nothing(serve):
    it = await serve(**PRESETS["sink"].server | {"port": 1})
    with Datagrams() as client:
        client.sock.sendto(b"data", it.address)
        await it.until(lambda: it.received == [b"data"])
        with pytest.raises(BlockingIOError):
            client.sock.recv(1)
    assert it.sent == []


async def test_the_largest_datagram_comes_back_whole(serve):
    it = await serve(kind="udp", reply=ECHO)
    data = os.urandom(65_507)
    with Datagrams() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200_000)
        assert await client.ask(data, it.address) == data
    await it.until(lambda: it.sent)
    assert it.counted["bytes_in"] == it.counted["bytes_out"] == 65_507
    assert len(it.received[0]) == 65_507


async def test_an_answer_that_fits_no_datagram_is_counted(serve):
    it = await serve(kind="udp", reply={"type": "suffix", "text": "!"})
    with Datagrams() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200_000)
        client.sock.sendto(b"x" * 65_507, it.address)
        await it.until(lambda: it.sent_dropped)
    assert (it.sent_dropped, it.sent) == ({"oversize": 1}, [])
    assert it.identity_holds()


@pytest.mark.parametrize(
    ("host", "asked", "family"),
    [
        ("127.0.0.1", "127.0.0.1", socket.AF_INET),
        ("0.0.0.0", "127.0.0.3", socket.AF_INET),
        ("::1", "::1", socket.AF_INET6),
        ("::", "::1", socket.AF_INET6),
        ("::", "127.0.0.3", socket.AF_INET),
    ],
)
async def test_an_answer_comes_from_the_address_that_was_asked(serve, host, asked, family):
    it = await serve(kind="udp", host=host, reply=ECHO)
    address = (asked, it.address[1])
    with Datagrams(family) as client:
        client.sock.sendto(b"abc", address)
        data, sender = await client.hear()
        await it.until(lambda: it.opened)
        assert (data, sender[:2]) == (b"abc", address)
        assert it.opened[0].peer.rpartition(":")[2] == client.name.rpartition(":")[2]
        assert it.opened[0].peer.startswith("[::1]:" if asked == "::1" else "127.0.0.")


async def test_a_broadcast_to_a_dual_stack_server_is_answered_from_an_address_of_its_own(serve):
    it = await serve(kind="broadcast-receiver", host="::", reply=ECHO)
    with Datagrams(bound=LOCAL) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        assert await client.ask(b"who?", ("127.255.255.255", it.address[1])) == b"who?"


async def test_what_is_over_keep_bytes_is_cut_and_the_size_stays_true(serve):
    it = await serve(kind="udp", limits={"keep_bytes": 2}, reply=ECHO)
    with Datagrams() as client:
        assert await client.ask(b"abcd", it.address) == b"abcd"
    await it.until(lambda: len(it.messages) == 2)
    assert [(row[4], row[5]) for row in it.messages] == [(b"ab", 4)] * 2


async def test_a_peer_of_an_earlier_run_keeps_its_number(serve):
    with Datagrams(bound=LOCAL) as old, Datagrams() as new:
        it = await serve(start={"next_connection": 8, "peers": {old.name: 3}}, kind="udp", reply=ECHO)
        await new.ask(b"new", it.address)
        await old.ask(b"old", it.address)
        await it.until(lambda: len(it.opened) == 2)
    assert [opened.number for opened in it.opened] == [8, 3]


# More than can be taken


async def test_a_burst_is_taken_whole(serve):
    it = await serve(kind="udp")
    with Datagrams() as client:
        for i in range(3_000):
            client.sock.sendto(b"%d" % i, it.address)
        await it.until(lambda: it.counted["received"] == 3_000)
    assert it.received == [b"%d" % i for i in range(3_000)]
    assert it.dropped == {}


async def test_what_the_kernel_dropped_is_counted_to_the_datagram(serve):
    it = await serve(kind="udp")
    room = it.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    it.process.send_signal(19)  # SIGSTOP: a worker that cannot keep up
    sent = room // 500
    with Datagrams() as client:
        for _ in range(sent):
            client.sock.sendto(b"x" * 500, it.address)
        assert socket_options.drops(it.socket) > 0
        it.process.send_signal(18)  # SIGCONT
        await it.until(lambda: it.counted["received"] >= sent)
    assert it.counted["received"] == sent
    assert it.dropped["kernel"] == socket_options.drops(it.socket)
    assert it.identity_holds()


async def test_what_was_dropped_between_two_runs_is_counted_by_the_next(serve):
    """The supervisor says how many earlier workers told of."""
    it = await serve(kind="udp")
    sent = it.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 500
    it.process.kill()
    it.process.wait()
    with Datagrams() as client:
        for _ in range(sent):
            client.sock.sendto(b"x" * 500, it.address)
    heir = await serve(start={"kernel_drops": 0, "taken": it.socket.dup()}, kind="udp")
    await heir.until(lambda: heir.counted["received"] == sent)
    assert heir.dropped["kernel"] == socket_options.drops(it.socket) > 0


NOTHING = struct.pack("=HBBI", 0x06, 0, 0, 0)  # a socket filter that lets nothing through (linux/filter.h: BPF_RET)


async def test_what_the_kernel_dropped_shows_although_nothing_follows(serve):
    it = await serve(
        start={"hurry": "from services.servers import udp_server; udp_server.DROPS_EVERY = 0.05"}, kind="udp"
    )
    program = ctypes.create_string_buffer(NOTHING)
    rule = struct.pack("@HL", 1, ctypes.addressof(program))
    it.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, rule)
    with Datagrams() as client:
        for _ in range(7):
            client.sock.sendto(b"x", it.address)
    await it.until(lambda: it.counted["received"] == 7)
    assert (it.dropped, it.received) == ({"kernel": 7}, [])


def test_drops_are_looked_at_more_often_than_every_five_seconds():
    assert udp_server.DROPS_EVERY < 4


async def test_every_datagram_of_a_flood_is_stored_or_dropped(serve):
    it = await serve(**PRESETS["sink"].server | {"port": 1})
    sent = await flood(it.address, 200_000, rate=200_000)
    await it.until(lambda: it.counted["received"] == sent, within=30)
    await it.until(it.identity_holds)
    assert it.counted["bytes_in"] == 64 * (sent - it.dropped["kernel"])


async def test_every_datagram_of_a_flood_is_accounted_for_while_the_store_is_behind(serve):
    it = await serve(
        start={
            "hurry": "from services.servers import reporter; reporter.Reporter.__init__.__defaults__ = (3_000_000,)"
        },
        **PRESETS["sink"].server | {"port": 1},
    )
    it.acknowledges = False
    sent = await flood(it.address, 100_000, rate=200_000)
    it.acknowledges = True
    it.acknowledge()
    await it.until(lambda: it.counted["received"] == sent, within=30)
    assert it.dropped["backlog"] > 0
    assert it.identity_holds()
    assert it.counted["bytes_in"] == 64 * (sent - it.dropped["kernel"])


async def test_while_the_store_is_behind_datagrams_are_counted_dropped_and_not_answered(serve):
    it = await serve(kind="udp", reply={"type": "fixed", "text": "R"})
    it.acknowledges = False
    sent = 0
    with Datagrams() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
        with pytest.raises(TimeoutError):
            while True:
                client.sock.sendto(b"x" * 60_000, it.address)
                sent += 1
                await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client.sock, 1), 0.5)
        for _ in range(50):
            client.sock.sendto(b"x" * 60_000, it.address)
            sent += 1
        it.acknowledges = True
        it.acknowledge()
        await it.until(lambda: it.counted["received"] == sent)
        assert await client.ask(b"x", it.address) == b"R"
    assert it.dropped["backlog"] == 51
    assert 14 * 1024 * 1024 < sum(row[5] for row in it.messages) <= 16 * 1024 * 1024
    assert it.identity_holds()


async def test_an_answer_that_waits_for_the_store_comes_after_it(serve):
    it = await serve(kind="udp", reply=ECHO, limits={"reply_after_commit": True})
    it.acknowledges = False
    with Datagrams() as client:
        client.sock.sendto(b"abc", it.address)
        await it.until(lambda: it.messages)
        with pytest.raises(BlockingIOError):
            client.sock.recv(1)
        it.acknowledges = True
        it.acknowledge()
        assert (await client.hear())[0] == b"abc"
    await it.until(lambda: it.sent == [b"abc"])


# UNIX datagram sockets


async def test_a_unix_datagram_is_answered_to_its_path(serve, tmp_path):
    it = await serve(kind="udp", transport="unix-dgram", host=str(tmp_path / "a.sock"), port=None, reply=ECHO)
    with Datagrams(socket.AF_UNIX, str(tmp_path / "client")) as client:
        assert await client.ask(b"", it.address) == b""
        assert await client.ask(b"abc", it.address) == b"abc"
    await it.until(lambda: len(it.messages) == 4)
    assert it.opened[0].peer == str(tmp_path / "client")


async def test_a_unix_datagram_longer_than_any_udp_carries_is_counted_whole(serve, tmp_path):
    it = await serve(kind="udp", transport="unix-dgram", host=str(tmp_path / "a.sock"), port=None)
    with Datagrams(socket.AF_UNIX) as client:
        client.sock.sendto(b"x" * 150_000, it.address)
        await it.until(lambda: it.received)
    assert (len(it.received[0]), it.counted["bytes_in"]) == (65_536, 150_000)


async def test_a_unix_sender_without_a_name_is_recorded_and_not_answered(serve, tmp_path):
    it = await serve(kind="udp", transport="unix-dgram", host=str(tmp_path / "a.sock"), port=None, reply=ECHO)
    with Datagrams(socket.AF_UNIX) as client:
        client.sock.sendto(b"abc", it.address)
        await it.until(lambda: it.received == [b"abc"])
    assert (it.opened[0].peer, it.sent, it.sent_dropped) == ("unnamed", [], {})


async def test_an_answer_to_nobody_is_counted_and_harms_nobody(serve, tmp_path):
    it = await serve(kind="udp", transport="unix-dgram", host=str(tmp_path / "a.sock"), port=None, reply=ECHO)
    with Datagrams(socket.AF_UNIX, str(tmp_path / "gone")) as gone:
        it.process.send_signal(19)
        gone.sock.sendto(b"abc", it.address)
    os.unlink(tmp_path / "gone")
    it.process.send_signal(18)
    await it.until(lambda: it.sent_dropped)
    assert it.sent_dropped == {"refused": 1}
    with Datagrams(socket.AF_UNIX, str(tmp_path / "client")) as client:
        assert await client.ask(b"abc", it.address) == b"abc"


# Orders


async def test_sends_to_a_peer_by_number_by_name_or_to_all(serve):
    it = await serve(kind="udp")
    with Datagrams(bound=LOCAL) as one, Datagrams(bound=LOCAL) as two:
        one.sock.sendto(b"1", it.address)
        two.sock.sendto(b"2", it.address)
        await it.until(lambda: len(it.opened) == 2)
        assert (await it.ask(Send, data=b"", connection=2, sent_by="otto")).count == 1
        assert (await two.hear())[0] == b""
        assert (await it.ask(Send, data=b"name", peer=one.name)).count == 1
        assert (await one.hear())[0] == b"name"
        assert (await it.ask(Send, data=b"all")).count == 2
        assert [(await one.hear())[0], (await two.hear())[0]] == [b"all", b"all"]
    assert [row[6] for row in it.messages if row[3] == OUT] == ["otto", "", "", ""]


async def test_sends_to_an_address_that_was_never_heard(serve):
    it = await serve(kind="udp")
    with Datagrams(bound=LOCAL) as client:
        assert (await it.ask(Send, data=b"hello", peer=client.name)).count == 1
        assert (await client.hear())[0] == b"hello"
        assert [(opened.number, opened.peer) for opened in it.opened] == [(1, client.name)]


async def test_sends_to_a_peer_of_an_earlier_run(serve):
    with Datagrams(bound=LOCAL) as client:
        it = await serve(start={"peers": {client.name: 5}}, kind="udp")
        assert (await it.ask(Send, data=b"again", connection=5)).count == 1
        assert (await client.hear())[0] == b"again"
        assert it.messages[0][1] == 5


@pytest.mark.parametrize(
    ("whom", "code"),
    [
        ({"connection": 9}, "SP-2204"),
        ({}, "SP-2204"),
        ({"peer": "nowhere"}, "SP-2208"),
        ({"peer": "8.8.8.8:0"}, "SP-2208"),
    ],
)
async def test_whoever_cannot_be_reached_gets_nothing(serve, whom, code):
    it = await serve(kind="udp")
    done = await it.ask(Send, data=b"x", **whom)
    assert (done.count, done.code) == (0, code)
    assert done.error.endswith(".")


async def test_what_fits_no_datagram_is_refused_and_counted(serve):
    it = await serve(kind="udp")
    done = await it.ask(Send, data=b"x" * 65_508, peer="127.0.0.1:9")
    assert (done.code, it.sent_dropped) == ("SP-2208", {"oversize": 1})
    assert it.identity_holds()


async def test_there_is_nothing_to_close(serve):
    it = await serve(kind="udp")
    assert (await it.ask(Close, connection=1)).code == "SP-2204"


async def test_what_had_arrived_before_a_stop_is_taken(serve):
    it = await serve(kind="udp")
    it.process.send_signal(19)
    with Datagrams() as client:
        for _ in range(2_000):
            client.sock.sendto(b"x", it.address)
    it.process.terminate()
    it.process.send_signal(18)
    assert await it.ended() == 0
    assert it.counted["received"] == len(it.received) == 2_000


async def test_a_unix_datagram_too_long_to_be_read_whole_is_dropped_and_counted(tmp_path, monkeypatch):
    server, client = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    with server, client:
        server.bind(str(tmp_path / "s"))
        server.setblocking(False)
        monkeypatch.setattr(udp_server, "LONGEST_UNIX", 100)
        told = []
        reporter = Reporter(told.append, asyncio.get_running_loop())
        spec = validation.build({"name": "u", "kind": "udp", "transport": "unix-dgram", "host": str(tmp_path / "s")})
        it = udp_server.UdpServer(spec, server, reporter, Past())
        for size in (100, 101):
            client.sendto(b"x" * size, str(tmp_path / "s"))
        it._read()
        reporter.flush()
    counted = report.decode_from_worker(told[0][report.HEADER_BYTES :]).counted
    assert (counted.received, counted.dropped, counted.dropped_bytes) == (2, {"oversize": 1}, {"oversize": 100})


async def test_what_still_waits_when_a_stop_is_over_is_counted(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # holds a few
        server.setblocking(False)
        monkeypatch.setattr(udp_server, "DRAIN_WITHIN", 0)
        told = []
        reporter = Reporter(told.append, asyncio.get_running_loop())
        it = udp_server.UdpServer(
            validation.build({"name": "u", "kind": "udp", "port": 9001}), server, reporter, Past()
        )
        for _ in range(50):
            client.sendto(b"abc", server.getsockname())
        await it.stop(2.0)
        reporter.flush()
    dropped = report.decode_from_worker(told[0][report.HEADER_BYTES :]).counted.dropped
    assert set(dropped) == {"stopped", "kernel"}
    assert sum(dropped.values()) == 50
