"""The hub as a whole: it lives with its sockets, and what fails fails softly."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.db import OperationalError

from sockpanel.accounts.models import User
from sockpanel.live import consumers, hub, room, window
from sockpanel.live.feed import Feed
from sockpanel.live.room import Room
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("live")}


async def test_it_begins_with_the_first_socket_and_ends_with_the_last(browse: Browse) -> None:
    assert tasks() == set()
    first, second = await browse("/ws/panel/"), await browse("/ws/panel/")
    await second.next("snapshot")
    assert tasks() == {"live rounds", "live hints", "live writer"}
    await first.leave()
    assert "live rounds" in tasks()
    await second.leave()
    assert tasks() == set()


async def test_a_socket_without_progress_closes_with_4408(
    browse: Browse, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "STALL", 0.0)
    monkeypatch.setattr(room, "LOOK_EVERY", 0.05)
    browser = await browse()
    await browser.say(type="follow", after=0)
    for _ in range(window.BATCHES):
        await records.messages(1)
        await browser.next("messages")
    assert await browser.closed() == 4408


async def test_frames_without_end_close_with_4429(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "BURST", 3.0)
    monkeypatch.setattr(consumers, "FRAMES", 0.0)
    browser = await browse("/ws/panel/")
    for _ in range(4):
        await browser.say(type="ack", seq=0)
    assert await browser.closed() == 4429


async def test_too_many_sockets_of_one_person_close_with_4429(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SEATS_EACH", 1)
    first, second = await browse("/ws/panel/"), await browse("/ws/panel/")
    assert await second.closed() == 4429
    await first.next("snapshot")


async def test_a_database_that_is_away_for_a_moment_costs_nothing(
    browse: Browse, records: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hub, "TRY_AGAIN", 0.01)
    browser = await browse()
    await browser.say(type="follow", after=0)
    await browser.next("stats")
    real, failures = Feed.look, iter([1, 2, 3])

    def look(feed: Feed) -> Any:
        if next(failures, None):
            raise OperationalError("database is locked")
        return real(feed)

    monkeypatch.setattr(Feed, "look", look)
    await records.messages(3)
    assert [message["seq"] for message in (await browser.next("messages"))["messages"]] == [1, 2, 3]
    assert caplog.text.count("The live view cannot read the database") == 1


async def test_pages_are_told_once_that_the_database_is_away_stay_and_go_on_by_themselves(
    browse: Browse, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await browse()
    await browser.say(type="follow", after=0)
    await browser.next("stats")
    looks: list[float] = []

    def look(feed: Feed) -> Any:
        looks.append(time.monotonic())
        raise OperationalError("the server closed the connection unexpectedly")

    with monkeypatch.context() as away:
        away.setattr(Feed, "look", look)
        await records.messages(3)
        assert (await browser.next("error"))["code"] == "SP-4012"
        await eventually_async(lambda: len(looks) > 3)
        assert looks[3] - looks[0] >= 2 * hub.TRY_AGAIN  # no busy loop
    await browser.next("messages", within=2.0)
    assert [frame["type"] for frame in browser.frames].count("error") == 1


async def test_a_database_that_stalls_is_told_before_it_answers(
    browse: Browse, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SLOW", 0.05)
    browser = await browse()
    await browser.say(type="follow", after=0)
    await browser.next("stats")
    real, answers = Feed.look, threading.Event()

    def look(feed: Feed) -> Any:
        answers.wait(10)
        return real(feed)

    monkeypatch.setattr(Feed, "look", look)
    await records.messages(3)
    try:
        assert (await browser.next("error"))["code"] == "SP-4012"
    finally:
        answers.set()
    await browser.next("messages", within=2.0)


async def test_a_broken_hub_tells_its_sockets_to_come_back_and_makes_room_for_a_new_one(
    browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await browse("/ws/panel/")
    await first.next("snapshot")
    with monkeypatch.context() as broken:
        broken.setattr(Room, "due", property(lambda _: 1 / 0))
        await first.say(type="ack", seq=0)
        assert await first.closed() == 4503
    second = await browse("/ws/panel/")
    await second.next("snapshot")


async def test_close_all_closes_every_socket_with_4503(browse: Browse) -> None:
    browser = await browse("/ws/panel/")
    await browser.next("snapshot")
    hub.close_all()
    assert await browser.closed() == 4503


async def test_a_way_out_that_breaks_ends_the_socket(records: Any) -> None:
    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "websocket.send":
            raise ConnectionResetError("the way out broke")

    opening = iter([{"type": "websocket.connect"}])

    async def receive() -> dict[str, Any]:
        return next(opening, None) or await asyncio.Event().wait() or {}

    user = await User.objects.acreate(username="vera", role="viewer")
    scope = {"type": "websocket", "headers": [], "user": user}
    with pytest.raises(ExceptionGroup) as broken:
        async with asyncio.timeout(10):
            await consumers.panel(scope, receive, send)
    assert broken.group_contains(ConnectionResetError)
    assert tasks() == set()


async def test_frames_of_bytes_are_refused(browse: Browse) -> None:
    browser = await browse("/ws/panel/")
    await browser._socket.send_to(bytes_data=json.dumps({"type": "ack"}).encode())
    assert (await browser.next("error"))["code"] == "SP-6001"
