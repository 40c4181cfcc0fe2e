"""The same on PostgreSQL: its processes are killed, the whole of it stops and comes back, the supervisor dies meanwhile.

The server is the test's own; skipped where PostgreSQL's programs are not installed. Everything is drawn from a seed, which a failure
shows (blows.py).
"""

import asyncio
import json
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.chaos import blows
from tests.chaos.blows import LONG, SUPERVISOR, WORKER, Blow
from tests.chaos.driver import Driver
from tests.chaos.stage import stage
from tests.services.test_postgresql import Cluster, cluster

pytestmark = [pytest.mark.external, pytest.mark.timeout(1800 if LONG else 180)]
ROUNDS = 60 if LONG else 2
AWAY = 1.0  # seconds at the most that PostgreSQL is away
TABLES = ("message", "run", "connection", "statechange", "counters")

__all__ = ["cluster"]  # the fixture


async def test_postgresql_killed_and_stopped_at_random_loses_nothing_that_was_answered_and_doubles_nothing(
    cluster: Cluster, tmp_path: Path
):
    chance = random.Random(blows.seed())
    async with stage(tmp_path, ("tcp", "udp"), clients=2, DATABASE_URL=cluster.url) as scene:
        driver = Driver(scene)
        for _ in range(ROUNDS):
            await kill_a_backend(cluster, chance)
            await driver.all_serve()
            await be_away(cluster, chance)
            await driver.all_serve()
            victim = chance.choice((WORKER, SUPERVISOR))
            await driver.strike(Blow(victim, chance.randrange(2), signal.SIGKILL, chance.uniform(0, 0.7)))
        await scene.ended()
        await asyncio.to_thread(copy, cluster.url, tmp_path)
        await scene.judge_in(tmp_path)


async def kill_a_backend(cluster: Cluster, chance: random.Random) -> None:
    """PostgreSQL ends all the others then, and recovers."""
    await asyncio.sleep(chance.uniform(0, 0.5))
    for process in chance.sample(everybody := await asyncio.to_thread(backends, cluster), len(everybody)):
        try:
            process.kill()
            return
        except psutil.NoSuchProcess:
            continue  # it has just left


def backends(cluster: Cluster) -> list[psutil.Process]:
    """The processes that serve one connection each."""
    import psycopg

    with psycopg.connect(cluster.url) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
        return [psutil.Process(pid) for (pid,) in found if pid != connection.info.backend_pid]


async def be_away(cluster: Cluster, chance: random.Random) -> None:
    await asyncio.to_thread(cluster.stop)
    await asyncio.sleep(chance.uniform(0, AWAY))
    await asyncio.to_thread(cluster.start)


def copy(url: str, folder: Path) -> None:
    """What the referee reads, as the SQLite file that it knows."""
    import psycopg

    with psycopg.connect(url) as source, closing(sqlite3.connect(folder / "messages.sqlite3")) as target, target:
        for table in TABLES:
            found = source.execute(f"SELECT * FROM services_{table}")  # noqa: S608 - our own names
            names = [column.name for column in found.description or ()]
            target.execute(f"CREATE TABLE services_{table} ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            rows = [[json.dumps(value) if isinstance(value, dict) else value for value in row] for row in found]
            target.executemany(f"INSERT INTO services_{table} VALUES ({marks})", rows)  # noqa: S608 - the same
