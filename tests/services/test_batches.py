"""A batch becomes rows and numbers: every message and byte is stored or counted as dropped; the newest refusals are kept."""

import pytest
from asgiref.sync import sync_to_async

from services import batches
from services.models import Counters, Incident
from services.servers import report
from services.servers.report import OUT, Batch, Counted
from tests.services.recording import AT, batch, recording, rows

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


def incident(count: int = 1, source: str = "10.1.2.3") -> report.Incident:
    return report.Incident(AT, "source", source, f"refused {source}: 5 connections per source", count)


async def counters() -> Counters:
    return await Counters.objects.aget(pk=7)


async def test_bytes_are_counted_by_their_true_size_in_both_directions():
    cut = (AT, 1, "127.0.0.1:5000", OUT, b"xy", 70_000, "")
    both = [*rows(b"abc", b"defg"), cut]
    counted = Counted(received=2, bytes_in=7, sent=1, bytes_out=70_000)
    async with recording() as it:
        await it.store(7, Batch(number=1, messages=both, counted=counted))
    found = await counters()
    assert (found.stored, found.stored_bytes, found.bytes_in) == (2, 7, 7)
    assert (found.sent_stored, found.sent_stored_bytes, found.bytes_out) == (1, 70_000, 70_000)
    assert found.kept_bytes == 9


async def test_what_was_dropped_adds_up_with_what_was_stored():
    counted = Counted(3, 107, {"backlog": 2}, dropped_bytes={"backlog": 104}, refused={"source": 2})
    async with recording() as it:
        await it.store(7, Batch(number=1, messages=rows(b"abc"), counted=counted))
        await it.store(7, Batch(number=2, messages=rows(b"abc"), counted=counted))
    found = await counters()
    assert found.received == found.stored + sum(found.dropped.values())
    assert found.bytes_in == found.stored_bytes + sum(found.dropped_bytes.values())
    assert found.refused == {"source": 4}


async def test_a_batch_that_can_not_be_stored_counts_whole_as_dropped():
    broken = Batch(
        number=1, messages=[*rows(b"abc"), (AT, 2**70, "p", OUT, b"de", 2, "")], counted=Counted(1, 3, {}, 1, 2)
    )
    async with recording() as it:
        await it.store(7, broken)
    found = await counters()
    assert (found.dropped, found.dropped_bytes) == ({"unstorable": 1}, {"unstorable": 3})
    assert (found.sent_dropped, found.sent_dropped_bytes) == ({"unstorable": 1}, {"unstorable": 2})


async def test_refusals_are_kept_with_their_words():
    async with recording() as it:
        await it.store(7, Batch(number=1, incidents=[incident(count=12)]))
    [found] = [one async for one in Incident.objects.filter(server_id=7)]
    assert (found.rule, found.source, found.count) == ("source", "10.1.2.3", 12)
    assert found.what == "refused 10.1.2.3: 5 connections per source"


async def test_of_very_many_refusals_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(batches, "KEEP_INCIDENTS", 10)
    async with recording() as it:
        for number in range(1, 4):
            await it.store(7, Batch(number=number, incidents=[incident(source=f"{number}.{one}") for one in range(6)]))
        await it.store(8, Batch(number=1, incidents=[incident()]))
    kept = await sync_to_async(list)(
        Incident.objects.filter(server_id=7).order_by("id").values_list("source", flat=True)
    )
    assert kept == ["2.2", "2.3", "2.4", "2.5", *(f"3.{one}" for one in range(6))]
    assert await Incident.objects.filter(server_id=8).acount() == 1


async def test_messages_that_went_out_only_leave_the_other_direction_alone():
    async with recording() as it:
        await it.store(7, batch(1, b"abc", direction=OUT))
    found = await counters()
    assert (found.stored, found.stored_bytes, found.sent_stored, found.sent_stored_bytes) == (0, 0, 1, 3)
