"""What the workers report is stored in order, without holes, and acknowledged only then."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connections

from services import jobs
from services.books import Book
from services.models import MESSAGES, Connection, Counters, Message, Run, StateChange, Status
from services.retention import Cap
from services.servers.report import IN, OUT, Batch, Counted, Opened, Touched
from services.supervisor.events import Moved, RunEnded, RunStarted
from services.supervisor.states import State
from tests.services.recording import AT, batch, recording, rows

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

OPENED = Opened(1, "127.0.0.1:5000", AT)


def stored(server: int) -> list[tuple[int, bytes]]:
    return [
        (seq, bytes(data))
        for seq, data in Message.objects.filter(server_id=server).order_by("seq").values_list("seq", "data")
    ]


async def test_numbers_messages_from_one_without_holes():
    async with recording() as it:
        await it.store(7, batch(1, b"a", b"b"), batch(2), batch(3, b"c"))
    assert await sync_to_async(stored)(7) == [(1, b"a"), (2, b"b"), (3, b"c")]


async def test_each_server_counts_for_itself():
    async with recording() as it:
        await it.store(7, batch(1, b"a"))
        await it.store(8, batch(1, b"z"))
    assert await sync_to_async(stored)(8) == [(1, b"z")]
    assert it.hinted == {7, 8}


async def test_goes_on_counting_where_a_former_recorder_ended():
    async with recording() as it:
        await it.store(7, batch(1, b"a", b"b"))
    book = Book.read(await Counters.objects.aget(pk=7))
    async with recording() as it:
        it.recorder.books[7] = book
        await it.store(7, batch(1, b"c"))
    assert [seq for seq, _ in await sync_to_async(stored)(7)] == [1, 2, 3]


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xfe", bytes(range(256)), "😀\u202e".encode(), b"x" * 65_536])
async def test_bytes_come_back_as_they_came(data):
    async with recording() as it:
        await it.store(7, batch(1, data))
    assert await sync_to_async(stored)(7) == [(1, data)]


async def test_received_is_stored_plus_dropped():
    counted = Counted(received=5, bytes_in=50, dropped={"backlog": 3})
    async with recording() as it:
        await it.store(7, Batch(number=1, messages=rows(b"a", b"b"), counted=counted))
    counters = await Counters.objects.aget(pk=7)
    assert (counters.received, counters.stored, counters.dropped) == (5, 2, {"backlog": 3})


async def test_outgoing_messages_are_counted_apart():
    async with recording() as it:
        await it.store(7, batch(1, b"in"), batch(2, b"out!", direction=OUT))
    counters = await Counters.objects.aget(pk=7)
    assert (counters.received, counters.stored, counters.sent, counters.sent_stored) == (1, 1, 1, 1)
    assert (counters.bytes_in, counters.bytes_out, counters.kept_bytes) == (2, 4, 6)


async def test_a_connection_knows_the_message_before_its_opening_and_closing():
    async with recording() as it:
        await it.store(7, batch(1, b"a", b"b", opened=True), batch(2, b"c", closed=True))
    connection = await Connection.objects.aget(server_id=7, number=1)
    assert (connection.opened_seq, connection.closed_seq, connection.why) == (0, 3, "closed by the peer")


async def test_a_datagram_peer_that_comes_back_is_open_again_and_keeps_its_totals():
    again = Batch(number=3, messages=rows(b"b"), touched=[Touched(1, AT + 20, 1, 1, 0, 0)], opened=[OPENED])
    async with recording() as it:
        first = Batch(number=1, messages=rows(b"a"), touched=[Touched(1, AT, 1, 1, 0, 0)], opened=[OPENED])
        await it.store(7, first, batch(2, closed=True), again)
    connection = await Connection.objects.aget(server_id=7, number=1)
    assert (connection.closed_at, connection.why, connection.received) == (None, "", 2)


async def test_a_failed_transaction_is_tried_again_and_numbers_nothing_twice(monkeypatch):
    failures = [OperationalError("database is locked"), OperationalError("disk is full")]
    write_books = jobs.write_books

    def failing(books):
        if failures:
            raise failures.pop()
        write_books(books)

    monkeypatch.setattr("services.recorder.write_books", failing)
    async with recording() as it:
        await it.store(7, batch(1, b"a"), batch(2, b"b"))
    assert failures == []
    assert await sync_to_async(stored)(7) == [(1, b"a"), (2, b"b")]
    assert it.acknowledged == [1, 2]


async def test_a_commit_whose_answer_was_lost_is_not_made_again(monkeypatch):
    answers_lost = [OperationalError("server closed the connection unexpectedly")]
    wrapper = type(connections[MESSAGES])
    commit = wrapper._commit

    def losing(self):
        commit(self)
        if self.alias == MESSAGES and answers_lost:
            raise answers_lost.pop()

    monkeypatch.setattr(wrapper, "_commit", losing)
    async with recording() as it:
        await it.store(7, batch(1, b"a"), batch(2, b"b"))
        await it.store(7, batch(3, b"c"))
    counters = await Counters.objects.aget(pk=7)
    assert answers_lost == []
    assert await sync_to_async(stored)(7) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert (counters.received, counters.stored, counters.dropped) == (3, 3, {})
    assert it.acknowledged == [1, 2, 3]


async def test_what_the_database_will_never_take_is_counted_and_the_rest_stored():
    poison = Batch(number=2, messages=[(AT, 1, "peer", IN, None, 1, "")], counted=Counted(received=1))
    async with recording() as it:
        await it.store(7, batch(1, b"a"), poison, batch(3, b"b"))
    counters = await Counters.objects.aget(pk=7)
    assert await sync_to_async(stored)(7) == [(1, b"a"), (2, b"b")]
    assert (counters.received, counters.stored, counters.dropped) == (3, 2, {"unstorable": 1})


async def test_half_a_character_does_not_end_the_recorder_and_its_loss_outlasts_a_restart():
    poison = Batch(number=1, messages=[(AT, 1, "\udcff", IN, b"x", 1, "")], counted=Counted(received=1))
    async with recording() as it:
        await it.store(7, poison)
    counters = await Counters.objects.aget(pk=7)
    assert (counters.received, counters.stored, counters.dropped) == (1, 0, {"unstorable": 1})


async def test_a_connection_that_broke_is_tried_again(monkeypatch):
    failures = [InterfaceError("connection already closed")]
    write_books = jobs.write_books

    def failing(books):
        if failures:
            raise failures.pop()
        write_books(books)

    monkeypatch.setattr("services.recorder.write_books", failing)
    async with recording() as it:
        await it.store(7, batch(1, b"a"))
    assert await sync_to_async(stored)(7) == [(1, b"a")]


async def test_age_counts_while_there_is_always_work(monkeypatch):
    monkeypatch.setattr("services.recorder.IDLE", 60.0)
    monkeypatch.setattr("services.recorder.TIDY_EVERY", 0.0)
    async with recording() as it:
        it.recorder.caps[7] = Cap(age=3600)
        for number in range(1, 4):
            await it.store(7, batch(number, b"old"))
        await it.store(8, batch(4))
    assert await sync_to_async(stored)(7) == []


async def test_an_unforeseen_error_ends_the_recorder_and_says_so(caplog):
    class Impossible(jobs.Job):
        def write(self, books):
            raise ZeroDivisionError

    async with recording() as it:
        it.recorder.put(Impossible(7))
        async with asyncio.timeout(5):
            await it.broken.wait()
    assert it.recorder.failed
    assert "recorder has failed" in caplog.text


def moved(old: State, new: State, **more) -> Moved:
    words = {"server": 7, "reason": "", "who": "ada", "at": AT, "pid": 12, "address": "127.0.0.1:8007"}
    words |= {"run": 1, "asked": 3, "revision": 2, "retry_at": None}
    return Moved(old=old, new=new, **(words | more))


async def finish(it) -> None:
    await it.store(7, batch(99))


async def test_a_move_is_the_status_and_a_row_of_the_history():
    async with recording() as it:
        it.recorder.put(jobs.Move(moved(State.STOPPED, State.STARTING)))
        it.recorder.put(jobs.Move(moved(State.STARTING, State.RUNNING, at=AT + 5)))
        await finish(it)
    status = await Status.objects.aget(pk=7)
    assert (status.state, status.since, status.asked, status.pid) == ("RUNNING", AT + 5, 3, 12)
    changes = [(change.old, change.new, change.who) async for change in StateChange.objects.filter(server_id=7)]
    assert changes == [("STOPPED", "STARTING", "ada"), ("STARTING", "RUNNING", "ada")]


async def test_the_end_of_a_run_closes_what_it_left_open():
    started = RunStarted(server=7, run=1, pid=12, process_start=34, at=AT)
    ended = RunEnded(server=7, run=1, at=AT + 9, exit_code=None, signal=9, stderr="last words")
    async with recording() as it:
        it.recorder.put(jobs.BeginRun(started))
        await it.store(7, batch(1, b"a", opened=True))
        it.recorder.put(jobs.EndRun(ended))
        await it.store(7, Batch(number=2))
    run = await Run.objects.aget(server_id=7, number=1)
    connection = await Connection.objects.aget(server_id=7, number=1)
    assert (run.signal, run.stderr, run.ended_at) == (9, "last words", AT + 9)
    assert (connection.closed_at, connection.why) == (AT + 9, "the server ended")


async def test_a_purge_takes_every_row_of_a_deleted_server_and_no_other():
    finished = asyncio.Event()
    async with recording() as it:
        await it.store(8, batch(1, b"keep"))
        await it.store(7, *(batch(n, *[b"x"] * 500, opened=n == 1) for n in range(1, 6)))
        again = lambda server: it.recorder.put(purge(server))  # noqa: E731 - a closure over itself
        purge = lambda server: jobs.Purge(server, again, lambda _: finished.set())  # noqa: E731
        again(7)
        async with asyncio.timeout(10):
            await finished.wait()
    assert not await Message.objects.filter(server_id=7).aexists()
    assert not await Counters.objects.filter(pk=7).aexists()
    assert await sync_to_async(stored)(8) == [(1, b"keep")]
