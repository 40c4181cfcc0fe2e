"""Only what a cap covers is kept, and pruning lowers no counter."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from services import retention
from services.books import Book
from services.models import Connection, Counters, Message
from services.pruning import Prune, Wanted
from services.retention import Cap
from services.servers import clock
from tests.services.recording import batch, recording
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


async def filled(count: int, size: int = 1) -> Book:
    async with recording() as it:
        await it.store(7, batch(1, *[b"x" * size] * count))
        return it.recorder.books[7]


def prune_all(book: Book, cap: Cap) -> None:
    while retention.prune_slice(book, cap):
        pass


def seqs() -> list[int]:
    return list(Message.objects.filter(server_id=7).order_by("seq").values_list("seq", flat=True))


async def test_keeps_the_newest_rows():
    book = await filled(2500)
    await sync_to_async(prune_all)(book, Cap(rows=100))
    assert await sync_to_async(seqs)() == list(range(2401, 2501))


async def test_keeps_no_more_bytes_than_the_cap_and_no_fewer_messages_than_fit():
    book = await filled(50, size=10)
    await sync_to_async(prune_all)(book, Cap(bytes=100))
    assert await sync_to_async(seqs)() == list(range(41, 51))
    assert book.kept_bytes == 100


async def test_forgets_what_is_older_than_the_age():
    book = await filled(3)
    age = (clock.now() - 1_750_000_000_000_001) // 1_000_000
    await sync_to_async(prune_all)(book, Cap(age=age - 60))
    assert await sync_to_async(seqs)() == []


async def test_one_tidying_takes_more_than_a_slice():
    book = await filled(2500)
    await sync_to_async(retention.tidy)({7: book}, {7: Cap(age=3600)})
    assert await sync_to_async(seqs)() == []


async def test_pruning_lowers_no_counter_and_numbers_go_on():
    book = await filled(30)
    await sync_to_async(prune_all)(book, Cap(rows=10))
    counters = await Counters.objects.aget(pk=7)
    assert (counters.received, counters.stored, counters.last_seq, counters.first_seq) == (30, 30, 30, 21)


async def test_a_recorder_prunes_as_fast_as_it_stores():
    async with recording() as it:
        it.recorder.caps[7] = Cap(rows=1000)
        for number in range(1, 8):
            await it.store(7, batch(number, *[b"x"] * 1000))
        await it.store(7, batch(8))
    assert await Message.objects.filter(server_id=7).acount() <= 1000 + retention.SLACK + 1000


async def test_all_servers_together_keep_what_the_cap_of_the_whole_allows(monkeypatch):
    """Twice the cap goes in: the file ends within a tenth of it, and it is the largest server that pays."""
    most = 4 * 1024 * 1024
    async with recording() as it:
        it.recorder.most = most
        it.recorder.caps.update({7: Cap(), 8: Cap()})
        await it.store(8, batch(1, *[b"small"] * 100))
        for number in range(1, 81):
            await it.store(7, batch(number, *[b"x" * 1000] * 100))
        await eventually_async(sync_to_async(lambda: file_bytes() <= most * 1.1))
    assert await Message.objects.filter(server_id=8).acount() == 100
    assert await Message.objects.filter(server_id=7).aexists()
    counters = await Counters.objects.aget(pk=7)
    assert (counters.stored, counters.last_seq) == (8000, 8000)


def file_bytes() -> int:
    with connections["messages"].cursor() as cursor:
        return cursor.execute("PRAGMA page_count").fetchone()[0] * cursor.execute("PRAGMA page_size").fetchone()[0]


async def test_a_person_prunes_slice_by_slice_and_is_told_how_many_went():
    gone = asyncio.get_running_loop().create_future()
    async with recording() as it:
        await it.store(7, batch(1, *[b"x"] * 3500))
        it.recorder.put(Prune(7, Wanted(10, it.recorder.put, gone.set_result)))
        await it.store(7, batch(2, b"newer"))
        async with asyncio.timeout(10):
            count = await gone
        await it.store(7, batch(3, b"newest"))
    left = await sync_to_async(seqs)()
    assert (count + len(left), left[-1]) == (3502, 3502)
    assert 10 <= len(left) <= 12
    counters = await Counters.objects.aget(pk=7)
    assert (counters.stored, counters.first_seq) == (3502, left[0])


async def test_pruning_what_is_not_there_removes_nothing():
    gone = asyncio.get_running_loop().create_future()
    async with recording() as it:
        await it.store(7, batch(1, b"a"))
        it.recorder.put(Prune(7, Wanted(1, it.recorder.put, gone.set_result)))
        async with asyncio.timeout(10):
            assert await gone == 0
    assert await sync_to_async(seqs)() == [1]


async def test_connections_that_sent_nothing_go_too_once_there_are_very_many(monkeypatch):
    monkeypatch.setattr("services.retention.KEEP_CONNECTIONS", 10)
    monkeypatch.setattr("services.retention.SLICE", 4)
    opened = {"server_id": 7, "run": 1, "peer": "p", "opened_at": 1, "last_at": 1}
    rows = [Connection(number=number, closed_at=None if number == 3 else 2, **opened) for number in range(1, 31)]
    await Connection.objects.abulk_create(rows)
    await sync_to_async(retention.tidy)({7: Book(7, last_connection=30)}, {7: Cap(rows=100)})
    left = Connection.objects.filter(server_id=7).order_by("number").values_list("number", flat=True)
    assert [number async for number in left] == [3, *range(21, 31)]


async def test_what_another_node_has_by_now_is_left_to_it():
    book = await filled(2500)
    await sync_to_async(retention.tidy)({7: book}, {}, most=1)
    assert await sync_to_async(seqs)() == list(range(1, 2501))


async def test_pruned_pages_go_back_to_the_disk():
    async with recording() as it:
        await it.store(7, batch(1, *[b"x" * 1000] * 5000))
        large = await sync_to_async(file_bytes)()
        it.recorder.put(Prune(7, Wanted(0, it.recorder.put, lambda _: None)))
        await eventually_async(sync_to_async(lambda: file_bytes() < large / 2))
