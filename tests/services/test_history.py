"""Pages of messages: by number, in order, without holes; conditions hold together."""

import pytest
from asgiref.sync import sync_to_async

from services import history
from services.books import Book
from services.history import Query
from services.models import Connection, Counters
from services.servers.report import OUT, Batch
from tests.services.recording import AT, batch, recording, rows

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture
async def nine():
    async with recording() as it:
        await it.store(
            7, batch(1, *[b"m%d" % n for n in range(1, 9)], opened=True), batch(2, b"\0AT+\xff", direction=OUT)
        )


async def page(**words):
    return await sync_to_async(history.messages)(7, Query(**words))


def seqs(found) -> list[int]:
    return [message.seq for message in found.messages]


async def test_the_newest_page_is_in_order(nine):
    found = await page(limit=3)
    assert (seqs(found), found.first, found.last, found.more) == ([7, 8, 9], 7, 9, True)


async def test_pages_forward_and_backward_meet(nine):
    assert seqs(await page(after=0, limit=4)) + seqs(await page(after=4, limit=9)) == list(range(1, 10))
    assert seqs(await page(before=5, limit=9)) + seqs(await page(before=10, limit=5)) == list(range(1, 10))


async def test_the_last_page_says_that_there_is_no_more(nine):
    assert (await page(after=6, limit=3)).more is False
    assert (await page(after=6, limit=2)).more is True


async def test_an_empty_page_has_neither_first_nor_last(nine):
    found = await page(after=9)
    assert (found.messages, found.first, found.last, found.more) == ([], None, None, False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"direction": "out"}, [9]),
        ({"direction": "in", "after": 6}, [7, 8]),
        ({"contains": (b"\0AT",)}, [9]),
        ({"contains": (b"AT+", b"\xff")}, [9]),
        ({"contains": (b"%",)}, []),
        ({"connection": 2}, []),
        ({"since": AT + 6, "until": AT + 6}, [7]),
    ],
)
async def test_conditions_hold_together(nine, words, expected):
    assert seqs(await page(**words)) == expected


async def test_a_connection_has_its_own_messages_while_it_is_open_and_after_it_was_closed(nine):
    async with recording() as it:
        it.recorder.books[7] = Book.read(await Counters.objects.aget(pk=7))
        other = Batch(number=4, messages=rows(b"other", connection=2))  # it was never told of as opened
        await it.store(7, batch(3, b"last", closed=True), other)
    assert seqs(await page(connection=1, limit=3)) == [8, 9, 10]
    assert seqs(await page(connection=1, after=0, limit=2)) == [1, 2]
    assert seqs(await page(connection=2)) == [11]


async def test_only_what_was_stored_between_opening_and_end_of_a_connection_is_gone_through(nine):
    await Connection.objects.filter(server_id=7, number=1).aupdate(opened_seq=3, closed_seq=5)
    assert seqs(await page(connection=1)) == [4, 5]


async def test_connection_events_stand_in_order_of_time(nine):
    async with recording() as it:
        await it.store(7, batch(3, closed=True))
    events = await sync_to_async(history.connection_events)(7, AT - 1)
    assert next((event["event"], event["seq"]) for event in events) == ("opened", 0)
    assert events[-1]["event"] == "closed"
    assert events[-1]["why"] == "closed by the peer"


async def test_an_empty_server_has_an_empty_history():
    found = await sync_to_async(history.messages)(404, Query())
    assert (found.messages, history.MAX_LIMIT) == ([], 1000)
