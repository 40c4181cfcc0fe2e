"""The supervisor's end of the link, against the other end of a socketpair."""

import asyncio
import socket

import pytest

from services.errors import SendRefused
from services.servers import framing, report
from services.supervisor import link as link_module
from services.supervisor.allowance import Allowance
from services.supervisor.link import Link
from tests.waiting import eventually_async


class Ears:
    def __init__(self):
        self.heard_all, self.breaks, self.ends = [], [], 0
        self.stirred = asyncio.Event()

    def heard(self, told):
        self.heard_all.append(told)
        self.stirred.set()

    def broken(self, why):
        self.breaks.append(why)
        self.stirred.set()

    def hung_up(self):
        self.ends += 1
        self.stirred.set()

    async def wait_for(self, happened):
        async with asyncio.timeout(10):
            while not happened():
                self.stirred.clear()
                await self.stirred.wait()


@pytest.fixture
async def ears():
    return Ears()


@pytest.fixture
async def ends(ears):
    """Our link and the worker's end of it."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = Link(ours, asyncio.get_running_loop(), ears)
    yield link, theirs
    link.close()
    theirs.close()


def received(theirs):
    theirs.setblocking(False)
    data = bytearray()
    try:
        while chunk := theirs.recv(1 << 20):
            data += chunk
    except BlockingIOError:
        pass
    decoder = framing.decoder(report.FRAMING)
    return [report.decode_to_worker(payload) for payload in decoder.feed(bytes(data))]


async def test_reports_arrive_whole_however_they_are_cut(ends, ears):
    _, theirs = ends
    told = [report.Ready(), report.Heartbeat(), report.Batch(number=1, messages=[(1, 1, "p", 0, b"\0\xff", 2, "")])]
    for byte in b"".join(map(report.encode, told)):
        theirs.send(bytes([byte]))
    await ears.wait_for(lambda: len(ears.heard_all) == 3)
    assert ears.heard_all == told


async def test_a_batch_of_many_megabytes_arrives(ends, ears):
    _, theirs = ends
    batch = report.Batch(number=1, messages=[(1, 1, "p", 0, b"x" * 1_000_000, 1_000_000, "")] * 20)
    await asyncio.to_thread(theirs.sendall, report.encode(batch))
    await ears.wait_for(lambda: ears.heard_all)
    assert ears.heard_all == [batch]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xff\xff\xff", "4294967295 > max"),
        (b"\x02\x00\x00\x01", "33554433 > max"),
        (b"\0\0\0\x03abc", "no report"),
        (b"\0\0\0\x00", "no report"),
        (report.encode(report.Stored(number=1)), "no report"),
        (report.encode(report.Batch(number=2)), "Batch 2 came after batch 0"),
    ],
)
async def test_a_worker_that_breaks_the_protocol_is_found_out_and_read_no_further(ends, ears, data, why):
    _, theirs = ends
    theirs.send(data + report.encode(report.Ready()))
    await ears.wait_for(lambda: ears.breaks)
    assert why in ears.breaks[0]
    theirs.send(report.encode(report.Ready()))
    await asyncio.sleep(0)
    assert (ears.heard_all, len(ears.breaks)) == ([], 1)


async def test_what_came_before_the_break_is_heard(ends, ears):
    _, theirs = ends
    theirs.send(report.encode(report.Ready()) + b"\xff\xff\xff\xff")
    await ears.wait_for(lambda: ears.breaks)
    assert ears.heard_all == [report.Ready()]


async def test_everything_written_before_the_end_is_heard(ends, ears):
    link, theirs = ends
    for number in range(1, 51):
        theirs.send(report.encode(report.Batch(number=number, messages=[(1, 1, "p", 0, b"x" * 1000, 1000, "")])))
    theirs.close()
    link.close()
    assert [batch.number for batch in ears.heard_all] == list(range(1, 51))


async def test_the_end_of_the_link_is_told_once(ends, ears):
    _, theirs = ends
    theirs.close()
    await ears.wait_for(lambda: ears.ends)
    await asyncio.sleep(0)
    assert ears.ends == 1


async def test_orders_arrive_in_order(ends):
    link, theirs = ends
    orders = [report.Send(action=1, data=b"a"), report.Close(action=2, connection=7), report.Send(action=3, data=b"")]
    for order in orders:
        link.tell(order)
    assert received(theirs) == orders


async def test_what_a_worker_does_not_take_is_bounded(ends):
    link, _ = ends
    piece = report.Send(action=1, data=b"x" * 8_000_000)
    for _ in range(4):
        link.tell(piece)
    with pytest.raises(SendRefused, match="not yet taken"):
        link.tell(piece)


async def test_an_order_longer_than_a_frame_is_refused(ends):
    link, theirs = ends
    with pytest.raises(SendRefused):
        link.tell(report.Send(action=1, data=b"x" * report.MAX_FRAME_BYTES))
    assert received(theirs) == []


async def test_of_many_acknowledgements_that_wait_only_the_last_goes(ends, ears):
    link, theirs = ends
    for number in range(1, 1001):
        theirs.send(report.encode(report.Batch(number=number)))
        await ears.wait_for(lambda number=number: len(ears.heard_all) == number)
    link.tell(report.Send(action=1, data=b"x" * 4_000_000))
    for number in range(1, 1001):
        link.stored(number)
    reader = asyncio.to_thread(taken, theirs, report.Stored(number=1000))
    orders = await asyncio.wait_for(reader, 10)
    assert [order for order in orders if isinstance(order, report.Stored)] == [report.Stored(number=1000)]


def taken(theirs, last):
    """Orders up to `last`, read by a worker that takes its time."""
    decoder, orders = framing.decoder(report.FRAMING), []
    while last not in orders:
        orders += map(report.decode_to_worker, decoder.feed(theirs.recv(65_536)))
    return orders


async def test_acknowledging_after_the_end_does_no_harm(ends):
    link, theirs = ends
    theirs.close()
    link.stored(1)
    link.close()
    link.stored(2)


async def test_a_worker_that_does_not_wait_for_the_store_is_held_back(ends, ears, monkeypatch):
    monkeypatch.setattr(link_module, "MAX_UNSTORED", 100_000)
    link, theirs = ends
    theirs.setblocking(False)
    batches = (
        report.encode(report.Batch(number=n, messages=[(1, 1, "p", 0, b"x" * 60_000, 60_000, "")]))
        for n in range(1, 100)
    )
    for batch in batches:
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(theirs, batch), 10)
        if link.is_held_back:
            break
    heard = len(ears.heard_all)
    theirs.send(report.encode(report.Heartbeat()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(ears.heard_all) == heard == 2
    link.stored(2)
    await ears.wait_for(lambda: report.Heartbeat() in ears.heard_all)


async def test_catching_up_hears_what_the_loop_had_no_time_for(ends, ears):
    link, theirs = ends
    theirs.send(report.encode(report.Heartbeat()))
    link.catch_up()
    assert ears.heard_all == [report.Heartbeat()]


BATCH = report.encode(report.Batch(number=1, messages=[(1, 1, "p", 0, b"x" * 1000, 1000, "")]))


@pytest.fixture
async def crowd():
    """Three links that share an allowance of 2,500 bytes, their other ends and who hears them."""
    allowance = Allowance(2_500)
    pairs = [socket.socketpair() for _ in range(3)]
    heard = [Ears() for _ in pairs]
    links = []
    for (ours, _), ears in zip(pairs, heard, strict=True):
        ours.setblocking(False)
        links.append(Link(ours, asyncio.get_running_loop(), ears, allowance))
    yield links, [theirs for _, theirs in pairs], heard
    for link, (_, theirs) in zip(links, pairs, strict=True):
        link.close()
        theirs.close()


async def test_workers_together_fill_no_more_than_the_allowance_and_wait_without_being_called_silent(crowd):
    links, ends, heard = crowd
    for end, ears in zip(ends, heard, strict=True):
        end.send(BATCH)
        await ears.wait_for(lambda ears=ears: ears.heard_all)
    for end in ends:  # all of it is used now
        end.send(report.encode(report.Heartbeat()))
    await eventually_async(lambda: all(link.is_held_back for link in links))
    assert [len(ears.heard_all) for ears in heard] == [1, 1, 1]
    for link in links:
        link.stored(1)
    for ears in heard:
        await ears.wait_for(lambda ears=ears: len(ears.heard_all) == 2)
    assert not any(link.is_held_back for link in links)


async def test_what_a_dead_worker_left_unstored_counts_until_it_is_stored(crowd):
    links, ends, heard = crowd
    for end, ears in zip(ends, heard, strict=True):
        end.send(BATCH)
        await ears.wait_for(lambda ears=ears: ears.heard_all)
    ends[0].send(report.encode(report.Heartbeat()))
    await eventually_async(lambda: links[0].is_held_back)
    for gone in links[1:]:
        gone.close()
    assert links[0].is_held_back
    for gone in links[1:]:
        gone.stored(1)
    await heard[0].wait_for(lambda: len(heard[0].heard_all) == 2)
