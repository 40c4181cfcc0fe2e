"""/ws/servers/<name>/, from the database to the client."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sockpanel.live.follower import RESUME_ROWS
from sockpanel.live.window import BATCHES

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]


def seqs(frame: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in frame["messages"]]


async def test_state_and_counters_come_first(browse: Browse, records: Any) -> None:
    browser = await browse()
    state, stats = await browser.next("state"), await browser.next("stats")
    assert (state["server"], state["state"], stats["received"]) == ("echo", "STOPPED", 0)


async def test_a_message_is_there_as_soon_as_it_is_stored(browse: Browse, records: Any) -> None:
    await records.messages(3)
    browser = await browse()
    await browser.say(type="follow", after=None)
    await browser.next("stats")
    await records.messages(1, data=b"\0\xff")
    frame = await browser.next("messages", within=1.0)
    assert (frame["from"], frame["to"], frame["skipped"], seqs(frame)) == (4, 4, 0, [4])
    assert base64.b64decode(frame["messages"][0]["data"]) == b"\0\xff"


async def test_who_comes_back_gets_what_was_missed_in_order_and_once(browse: Browse, records: Any) -> None:
    await records.messages(2_345)
    browser = await browse()
    await browser.say(type="follow", after=100)
    batches = await browser.follow_to(2_345)
    assert [seq for batch in batches for seq in seqs(batch)] == list(range(101, 2_346))
    assert all(batch["skipped"] == 0 for batch in batches)


async def test_a_lost_and_regained_socket_misses_nothing(browse: Browse, records: Any) -> None:
    seen: list[int] = []
    for last in (300, 700, 1_150):  # each step is one look of the hub at the most
        browser = await browse()
        await browser.say(type="follow", after=seen[-1] if seen else 0)
        await records.messages(last - len(seen))
        for batch in await browser.follow_to(last):
            seen += seqs(batch)
        await browser.leave()
    assert seen == list(range(1, 1_151))


async def test_too_long_a_gap_is_skipped_once_and_counted(browse: Browse, records: Any) -> None:
    await records.messages(RESUME_ROWS + 1_000, kept=700)
    browser = await browse()
    await browser.say(type="follow", after=500)
    batches = await browser.follow_to(RESUME_ROWS + 1_000)
    assert (batches[0]["from"], batches[-1]["to"]) == (501, RESUME_ROWS + 1_000)
    assert sum(batch["skipped"] + len(batch["messages"]) for batch in batches) == RESUME_ROWS + 500


async def test_pruned_rows_inside_of_a_gap_are_counted(browse: Browse, records: Any) -> None:
    await records.messages(1_000, kept=10)
    browser = await browse()
    await browser.say(type="follow", after=0)
    frame = await browser.next("messages")
    assert (frame["from"], frame["to"], frame["skipped"], seqs(frame)) == (1, 1_000, 990, list(range(991, 1_001)))


async def test_nothing_more_is_sent_without_acknowledgements(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.say(type="follow", after=0)
    await browser.next("stats")
    for number in range(1, BATCHES + 1):
        await records.messages(1)
        assert (await browser.next("messages"))["to"] == number
    await records.messages(800)
    assert await browser.silent()
    await browser.say(type="ack", seq=BATCHES)
    frame = await browser.next("messages")
    assert (frame["from"], frame["to"], frame["skipped"], len(frame["messages"])) == (5, 804, 300, 500)


async def test_openings_and_closings_stand_among_the_messages(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.say(type="follow", after=None)
    await browser.next("stats")
    await records.opened(1)
    assert (await browser.next("connection"))["event"] == "opened"
    await records.messages(2)
    await browser.next("messages")
    await records.closed(1)
    closed = await browser.next("connection")
    assert {key: closed[key] for key in ("number", "peer", "event", "seq", "why")} == {
        "number": 1,
        "peer": "127.0.0.1:1",
        "event": "closed",
        "seq": 2,
        "why": "closed by the peer",
    }


async def test_who_comes_back_gets_the_missed_openings_too(browse: Browse, records: Any) -> None:
    await records.opened(1)
    await records.messages(2)
    await records.opened(2)
    await records.closed(1)
    await records.messages(1)
    browser = await browse()
    await browser.say(type="follow", after=1)
    await browser.follow_to(3)
    order = [frame for frame in browser.frames if frame["type"] in ("connection", "messages")]
    assert [seqs(f) if f["type"] == "messages" else (f["event"], f["number"]) for f in order] == [
        [2],
        ("opened", 2),
        ("closed", 1),
        [3],
    ]


async def test_a_filter_shows_what_fits_and_skips_nothing(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.say(type="follow", after=0, filter="dir:out conn:0")
    await browser.next("stats")
    await records.messages(12)
    frame = await browser.next("messages")
    assert (frame["from"], frame["to"], frame["skipped"], seqs(frame)) == (1, 12, 0, [3, 9])


@pytest.mark.parametrize(
    "text", ['{"type":"follow","filter":"dir:up"}', '{"type":"sing"}', "{", '{"type":"ack","seq":"x"}']
)
async def test_a_frame_that_makes_no_sense_is_told_and_the_socket_stays(
    browse: Browse, records: Any, text: str
) -> None:
    browser = await browse()
    await browser.say_text(text)
    error = await browser.next("error")
    assert (error["code"], bool(error["message"])) == ("SP-6001", True)
    await browser.say(type="follow", after=0)
    await records.messages(1)
    await browser.next("messages")


async def test_a_state_change_is_told(browse: Browse, records: Any) -> None:
    browser = await browse()
    assert (await browser.next("state"))["reason"] == ""
    await records.state("FATAL", "Port 8007 is in use.")
    state = await browser.next("state")
    assert (state["state"], state["reason"]) == ("FATAL", "Port 8007 is in use.")


async def test_two_sockets_get_the_same(browse: Browse, records: Any) -> None:
    first, second = await browse(), await browse()
    for browser in (first, second):
        await browser.say(type="follow", after=0)
        await browser.next("stats")
    await records.messages(40)
    assert await first.follow_to(40) == await second.follow_to(40)


async def test_a_server_that_there_is_not_closes_with_4404(browse: Browse) -> None:
    for name in ("nobody", "%00", "a" * 300):
        browser = await browse(f"/ws/servers/{name}/")
        assert await browser.closed() == 4404
        assert browser.frames[0]["code"] == "SP-2103"


async def test_a_server_that_is_deleted_closes_with_4404(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.next("stats")
    await records.server.adelete()
    assert await browser.closed() == 4404


async def test_rows_of_a_mebibyte_come_one_by_one(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.say(type="follow", after=0)
    await browser.next("stats")
    await records.messages(2, data=b"x" * 1024 * 1024)
    batches = await browser.follow_to(2)
    assert sum(batch["skipped"] + len(batch["messages"]) for batch in batches) == 2
    assert all(len(batch["messages"]) == 1 for batch in batches)
