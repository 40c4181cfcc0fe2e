"""A bad network between clients and servers, and between browsers and the panel: it costs time, and nothing else.

Everything is drawn from a seed, which a failure shows (blows.py).
"""

import asyncio
import base64
import random
import signal
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import blows
from tests.chaos.blows import LONG, WEB, Blow
from tests.chaos.driver import Driver
from tests.chaos.stage import Scene, stage
from tests.chaos.toxic import HALF_OPEN, RESET, Measure, ToxicProxy
from tests.chaos.viewer import Viewer
from tests.waiting import eventually_async

pytestmark = pytest.mark.timeout(600 if LONG else 240)
ANSWERED = 6_000 if LONG else 400  # messages, in all
CLIENTS, VIEWERS = 3, 4
A_BATCH_GETS_THROUGH = Measure(lives=(100_000, 300_000), slices=(100, 5_000))  # or nobody could ever catch up
WEB_KILLS = 4 if LONG else 1


async def test_a_network_that_cuts_slices_and_falls_silent_loses_nothing_that_was_answered_and_doubles_nothing(
    tmp_path: Path,
):
    chance = random.Random(blows.seed())
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(stage(tmp_path, ("tcp",), clients=0))
        served = scene.servers["tcp-1"]
        proxy = await stack.enter_async_context(ToxicProxy(("127.0.0.1", served.port), chance))
        clients = [scene.client(served, port=proxy.port) for _ in range(CLIENTS)]
        await eventually_async(lambda: sum(len(client.ledger.answers) for client in clients) > ANSWERED, 200)
        await eventually_async(lambda: proxy.ends[RESET] > 3 and proxy.ends[HALF_OPEN] > 0, 60)
        await scene.judge()


async def test_live_views_that_are_cut_and_lose_the_web_process_end_with_exactly_what_is_stored(tmp_path: Path):
    chance = random.Random(seed := blows.seed())
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(stage(tmp_path, ("tcp",), clients=2))
        toxic = ToxicProxy(("127.0.0.1", scene.panel.port), chance, measure=A_BATCH_GETS_THROUGH)
        proxy = await stack.enter_async_context(toxic)
        viewers = [Viewer(scene.panel.port, "tcp-1", scene.panel.token, proxy.port) for _ in range(VIEWERS)]
        for viewer in viewers:
            viewer.start()
            stack.push_async_callback(viewer.stop)
        await watched(scene, viewers, Driver(scene))
        stored = await asyncio.to_thread(rows, scene)
        assert sum(proxy.ends.values()) > 0, f"CHAOS_SEED={seed}"
    for viewer in viewers:
        assert shown(viewer) == stored
        assert (viewer.doubled, viewer.skipped) == ([], 0)


async def watched(scene: Scene, viewers: list[Viewer], driver: Driver) -> None:
    """Messages come, the web process is killed, messages come, then no more; until everyone has the last one."""
    for _ in range(WEB_KILLS):
        before = len(scene.clients[0].ledger.answers)
        await eventually_async(lambda before=before: len(scene.clients[0].ledger.answers) > before + ANSWERED / 4, 60)
        await driver.strike(Blow(WEB, 0, signal.SIGKILL, 0.0))
    for client in scene.clients:
        await client.finish(30)
        await client.stop()
    await eventually_async(lambda: open_connections(scene) == 0, 30)  # what was on its way then is stored
    last = len(await asyncio.to_thread(rows, scene))
    await eventually_async(lambda: {viewer.last for viewer in viewers} == {last}, 30)


def rows(scene: Scene) -> list[tuple[int, str, bytes]]:
    """What is stored."""
    found = asked(scene, "SELECT seq, direction, data FROM services_message ORDER BY seq")
    return [(seq, "out" if direction else "in", bytes(data)) for seq, direction, data in found]


def open_connections(scene: Scene) -> int:
    return int(asked(scene, "SELECT count(*) FROM services_connection WHERE closed_at IS NULL")[0][0])


def asked(scene: Scene, question: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{scene.panel.data_dir / 'messages.sqlite3'}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()


def shown(viewer: Viewer) -> list[tuple[int, str, bytes]]:
    """What a viewer has seen."""
    return [(seq, row["direction"], decoded(row)) for seq, row in sorted(viewer.seen.items())]


def decoded(row: dict[str, Any]) -> bytes:
    return base64.b64decode(row["data"])
