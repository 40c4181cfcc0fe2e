"""/ws/panel/, from the database to the client."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services import operations
from services.hints import PANEL, ahint

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]


async def test_the_snapshot_is_followed_by_every_state_and_all_counters(browse: Browse, records: Any) -> None:
    await sync_to_async(operations.create)({"preset": "sink", "name": "a-sink"}, "ada")
    browser = await browse("/ws/panel/")
    assert (await browser.next("snapshot"))["servers"] == ["a-sink", "echo"]
    told = [await browser.next(kind) for kind in ("state", "stats", "state", "stats")]
    assert [(frame["type"], frame["server"]) for frame in told] == [
        ("state", "a-sink"),
        ("stats", "a-sink"),
        ("state", "echo"),
        ("stats", "echo"),
    ]


async def test_only_what_has_changed_is_told_afterwards(browse: Browse, records: Any) -> None:
    await sync_to_async(operations.create)({"preset": "sink", "name": "a-sink"}, "ada")
    browser = await browse("/ws/panel/")
    for kind in ("stats", "stats"):
        await browser.next(kind)
    await records.state("RUNNING")
    await records.messages(5)
    stats = await browser.next("stats")
    assert (stats["server"], stats["received"], stats["last_seq"]) == ("echo", 5, 5)
    assert {frame["server"] for frame in browser.frames[5:]} == {"echo"}


async def test_servers_that_come_and_go_are_told(browse: Browse, records: Any) -> None:
    browser = await browse("/ws/panel/")
    await browser.next("stats")
    lab = await sync_to_async(operations.create)({"preset": "sink", "name": "lab"}, "ada")
    assert (await browser.next("state"))["server"] == "lab"
    await sync_to_async(operations.remove)(lab, "ada")
    assert await browser.next("removed") == {"type": "removed", "server": "lab"}


async def test_someone_who_looks_at_one_server_is_told_nothing_of_others(browse: Browse, records: Any) -> None:
    panel, browser = await browse("/ws/panel/"), await browse()
    await browser.next("stats")
    await sync_to_async(operations.create)({"preset": "sink", "name": "lab"}, "ada")
    await ahint(PANEL)
    await panel.next("snapshot")
    await records.state("FATAL")
    await browser.next("state")
    assert {frame["server"] for frame in browser.frames} == {"echo"}


async def test_a_lost_hint_costs_two_seconds_at_the_most(browse: Browse, records: Any) -> None:
    browser = await browse("/ws/panel/")
    await browser.next("stats")
    await sync_to_async(records.store)(1)
    assert (await browser.next("stats", within=3.0))["received"] == 1
