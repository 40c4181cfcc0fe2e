"""What is sent is recorded; what is not is counted."""

import asyncio
import socket

import pytest

from services.servers import report
from services.servers.outbox import Outbox
from services.servers.peers import Peer
from services.servers.report import OUT
from services.servers.reporter import Reporter
from services.servers.socket_options import IP_PKTINFO


@pytest.fixture
def pair():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        for sock in (one, two):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        yield one, two


def counted(reporter: Reporter, frames: list[bytes]) -> report.Counted:
    reporter.flush()
    batch = report.decode_from_worker(frames[-1][report.HEADER_BYTES :])
    assert isinstance(batch, report.Batch)
    return batch.counted


async def test_what_is_sent_is_recorded_with_whoever_sent_it(pair):
    one, two = pair
    reporter = Reporter([].append, asyncio.get_running_loop())
    Outbox(one, reporter, keep=2).send(Peer(7, "two", two.getsockname()), b"abc", 5, "otto")
    assert two.recv(10) == b"abc"
    assert reporter.messages == [(5, 7, "two", OUT, b"ab", 3, "otto")]


@pytest.mark.parametrize(
    ("data", "address", "reason"), [(b"x" * 65_508, ("127.0.0.1", 9), "oversize"), (b"x", ("127.0.0.1", 0), "refused")]
)
async def test_what_is_not_sent_is_counted(pair, data, address, reason):
    frames = []
    reporter = Reporter(frames.append, asyncio.get_running_loop())
    outbox = Outbox(pair[0], reporter, keep=9)
    outbox.answer(Peer(7, "p", address), data, [], 0)
    with pytest.raises(OSError, match=r"too long|Invalid argument"):
        outbox.send(Peer(7, "p", address), data, 0)
    size = 2 * len(data)
    assert counted(reporter, frames) == report.Counted(
        sent=2, bytes_out=size, sent_dropped={reason: 2}, sent_dropped_bytes={reason: size}
    )


async def test_a_full_receiver_is_counted_as_full(tmp_path):
    """A UNIX datagram socket takes a few datagrams, and then none."""
    frames = []
    reporter = Reporter(frames.append, asyncio.get_running_loop())
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours,
    ):
        deaf.bind(str(tmp_path / "deaf"))
        ours.setblocking(False)
        for _ in range(1_000):
            Outbox(ours, reporter, keep=9).answer(Peer(1, "deaf", str(tmp_path / "deaf")), b"x", [], 0)
    told = counted(reporter, frames)
    assert told.sent == 1_000
    assert 0 < told.sent_dropped["full"] < 1_000


async def test_an_answer_that_cannot_leave_from_where_it_was_asked_leaves_from_elsewhere(pair):
    """As after a broadcast: its address is nobody's own."""
    reporter = Reporter([].append, asyncio.get_running_loop())
    foreign = [(socket.IPPROTO_IP, IP_PKTINFO, b"\0\0\0\0" + b"\x7f\xff\xff\xff" * 2)]
    Outbox(pair[0], reporter, keep=9).answer(Peer(1, "two", pair[1].getsockname()), b"x", foreign, 0)
    assert pair[1].recvfrom(10) == (b"x", pair[0].getsockname())
    assert [row[4] for row in reporter.messages] == [b"x"]
