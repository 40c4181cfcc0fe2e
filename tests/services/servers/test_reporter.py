"""Batches: soon, never too big, never more under way than the window allows; and nothing is counted twice or forgotten."""

import asyncio

import pytest

from services.servers import framing, incidents, report, reporter
from services.servers.report import IN, OUT
from services.servers.reporter import Reporter


class Told:
    """A reporter, and the batches that it sent."""

    def __init__(self, window: int = reporter.WINDOW) -> None:
        self.batches: list[report.Batch] = []
        self.arrived = asyncio.Event()
        self.moves: list[str] = []
        self.reporter = Reporter(self._hear, asyncio.get_running_loop(), window)
        self.reporter.held = lambda: self.moves.append("held")
        self.reporter.released = lambda: self.moves.append("released")

    def _hear(self, frame: bytes) -> None:
        [payload] = framing.decoder(report.FRAMING).feed(frame)
        batch = report.decode_from_worker(payload)
        assert isinstance(batch, report.Batch)
        self.batches.append(batch)
        self.arrived.set()

    def note(self, data: bytes = b"abc", connection: int = 1, direction: int = IN) -> None:
        self.reporter.messages.append((1, connection, "p", direction, data, len(data), ""))
        self.reporter.noted(len(data))

    async def arrival(self) -> report.Batch:
        async with asyncio.timeout(5):
            await self.arrived.wait()
        self.arrived.clear()
        return self.batches[-1]


@pytest.fixture
async def told():
    return Told()


async def test_a_message_leaves_within_milliseconds_by_itself(told):
    start = asyncio.get_running_loop().time()
    told.note()
    batch = await told.arrival()
    assert asyncio.get_running_loop().time() - start < 0.5  # 4 ms, on a machine that has nothing else to do
    assert (batch.number, batch.messages) == (1, [(1, 1, "p", IN, b"abc", 3, "")])


async def test_what_comes_meanwhile_goes_along(told):
    for _ in range(10):
        told.note()
    assert len((await told.arrival()).messages) == 10


async def test_the_5000th_message_sends_the_batch_at_once(told):
    for _ in range(4_999):
        told.note()
    assert told.batches == []
    told.note()
    assert len(told.batches[0].messages) == 5_000


async def test_a_megabyte_sends_the_batch_at_once(told):
    told.note(b"x" * (1024 * 1024 - 1))
    assert told.batches == []
    told.note(b"x")
    assert len(told.batches) == 1


async def test_batches_are_numbered_without_holes_and_empty_ones_are_not_sent(told):
    for _ in range(3):
        told.note()
        told.reporter.flush()
        told.reporter.flush()
    assert [batch.number for batch in told.batches] == [1, 2, 3]


async def test_counts_what_is_in_the_batch_and_what_was_dropped(told):
    told.note(b"abc")
    told.note(b"defg", direction=OUT)
    told.reporter.dropped("backlog", 2, 10)
    told.reporter.dropped("kernel")
    told.reporter.sent_dropped("full", size=5)
    counted = (await told.arrival()).counted
    assert counted == report.Counted(
        4, 13, {"backlog": 2, "kernel": 1}, 2, 9, {"full": 1}, {"backlog": 10}, {"full": 5}
    )


async def test_nothing_is_counted_twice(told):
    told.reporter.dropped("backlog")
    told.reporter.flush()
    told.note()
    told.reporter.flush()
    assert told.batches[1].counted == report.Counted(received=1, bytes_in=3)


async def test_connections_are_opened_counted_and_closed_with_their_totals(told):
    told.reporter.opened(7, "p")
    told.note(connection=7)
    told.reporter.flush()
    told.note(connection=7)
    told.reporter.closed(7, "closed by the peer")
    told.reporter.flush()
    first, second = told.batches
    assert ([opened.number for opened in first.opened], first.open_connections, first.touched) == ([7], 1, [])
    assert ([closed.why for closed in second.closed], second.open_connections) == (["closed by the peer"], 0)
    assert second.touched == [report.Touched(7, 1, 2, 6, 0, 0)]


async def test_a_dropped_message_counts_for_its_connection_and_once_for_the_server(told):
    told.reporter.opened(7, "p")
    told.reporter.dropped("oversize", size=2_000_000, connection=7)
    told.reporter.closed(7, "frame of 2000000 > max 1048576")
    [touched] = (await told.arrival()).touched
    assert (touched.number, touched.received, touched.bytes_in) == (7, 1, 2_000_000)
    assert told.batches[0].counted == report.Counted(
        1, 2_000_000, {"oversize": 1}, dropped_bytes={"oversize": 2_000_000}
    )


async def test_totals_of_an_open_connection_are_told_once_a_second(told, monkeypatch):
    monkeypatch.setattr(reporter, "TOUCH_EVERY", 0.05)
    told.note()
    told.note()
    assert (await told.arrival()).touched == []
    assert (await told.arrival()).touched == [report.Touched(1, 1, 2, 6, 0, 0)]


async def test_a_full_window_holds_and_an_empty_one_releases(monkeypatch):
    monkeypatch.setattr(reporter, "BATCH_BYTES", 1000)
    monkeypatch.setattr(reporter, "ONE_READ", 0)
    told = Told(window=4000)
    while not told.moves:
        told.note(b"x" * 1000)
    assert told.reporter.is_held
    assert len(told.batches) == 3  # with a fourth, more than the window would be under way
    told.reporter.stored(1)
    assert told.moves == ["held"]
    told.reporter.stored(2)
    assert told.moves == ["held", "released"]
    assert not told.reporter.is_held


async def test_while_held_counters_gather_and_leave_with_the_release(monkeypatch):
    monkeypatch.setattr(reporter, "BATCH_BYTES", 1000)
    monkeypatch.setattr(reporter, "ONE_READ", 0)
    told = Told(window=2000)
    told.note(b"x" * 1000)
    assert told.reporter.is_held
    for _ in range(100):
        told.reporter.dropped("backlog")
    told.reporter._due()
    assert len(told.batches) == 1
    told.reporter.stored(1)
    assert told.batches[1].counted.dropped == {"backlog": 100}


async def test_what_waits_for_the_store_is_called_once_its_batch_is_stored(told):
    called = []
    told.note()
    told.reporter.after_commit(lambda: called.append(1))
    told.reporter.flush()
    told.note()
    told.reporter.after_commit(lambda: called.append(2))
    told.reporter.flush()
    told.reporter.stored(1)
    assert called == [1]
    told.reporter.stored(2)
    assert called == [1, 2]


async def test_settled_waits_until_everything_is_stored(told):
    told.note()
    settled = asyncio.create_task(told.reporter.settled(), name="settled")
    await told.arrival()
    assert not settled.done()
    told.reporter.after_commit(lambda: None)
    told.reporter.stored(1)
    async with asyncio.timeout(5):
        await settled


async def test_a_refused_connection_is_counted_and_an_incident(told):
    told.reporter.refused("source", "10.1.2.3", "refused 10.1.2.3: 5 connections per source")
    batch = await told.arrival()
    assert batch.counted.refused == {"source": 1}
    [incident] = batch.incidents
    assert (incident.rule, incident.source, incident.count) == ("source", "10.1.2.3", 1)
    assert incident.what == "refused 10.1.2.3: 5 connections per source"


async def test_a_storm_of_refusals_is_told_twice_and_counted_whole(told, monkeypatch):
    monkeypatch.setattr(incidents, "TELL_EVERY", 0.2)
    for _ in range(1000):
        told.reporter.refused("source", "10.1.2.3", "refused")
    first = await told.arrival()
    second = await told.arrival()
    assert [first.incidents[0].count, second.incidents[0].count] == [1, 999]
    assert first.counted.refused == {"source": 1000}


async def test_the_end_tells_of_incidents_that_were_being_gathered(told):
    for _ in range(3):
        told.reporter.incident("messages", "10.1.2.3", "throttled")
    settled = asyncio.ensure_future(told.reporter.settled())
    await told.arrival()
    told.reporter.stored(told.batches[-1].number)
    await settled
    assert sum(one.count for batch in told.batches for one in batch.incidents) == 3


async def test_the_end_tells_what_each_connection_did_in_the_last_batch(told):
    for _ in range(3):
        told.reporter.messages.append((1, 7, "127.0.0.1:5", IN, b"abc", 3, ""))
    told.reporter.noted(9)
    end = asyncio.ensure_future(told.reporter.settled())
    await asyncio.sleep(0)
    (batch,) = told.batches
    assert [(one.number, one.received, one.bytes_in) for one in batch.touched] == [(7, 3, 9)]
    told.reporter.stored(batch.number)
    await end
