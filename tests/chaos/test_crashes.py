"""Worse than one death at a time: everything at once, as when the machine's plug is pulled, and deaths in the middle of a recovery.

What no test here can show is what the disk itself forgets: tests of the storage look at every fsync. Everything is drawn from a seed,
which a failure shows (blows.py).
"""

import asyncio
import random
import signal
from pathlib import Path

import psutil
import pytest

from tests.chaos import blows
from tests.chaos.blows import LONG
from tests.chaos.driver import Driver
from tests.chaos.stage import Scene, stage
from tests.waiting import eventually_async

pytestmark = pytest.mark.timeout(1800 if LONG else 240)
CRASHES = 20 if LONG else 2
FREEZES = 100 if LONG else 4
BLIND = 60 if LONG else 8
SERVES_WITHIN = 60.0  # seconds: restarts of what dies soon are delayed, and delays double


async def test_everything_killed_at_once_starts_again_with_all_that_was_answered(tmp_path: Path):
    chance = random.Random(blows.seed())
    async with stage(tmp_path, ("tcp", "udp"), clients=2) as scene:
        for _ in range(CRASHES):
            await more_answers(scene, 100 + chance.randrange(200))
            await asyncio.to_thread(crash, scene, chance)
            await asyncio.to_thread(scene.panel.start)
            await Driver(scene).all_serve()
        await scene.judge()


async def more_answers(scene: Scene, count: int) -> None:
    def answers() -> int:
        return sum(len(client.ledger.answers) for client in scene.clients)

    before = answers()
    await eventually_async(lambda: answers() >= before + count, 30)


def crash(scene: Scene, chance: random.Random) -> None:
    """SIGKILL to every process, before any of them can react to the end of another."""
    everybody = [
        psutil.Process(scene.panel.process.pid),
        *psutil.Process(scene.panel.process.pid).children(recursive=True),
    ]
    for process in everybody:
        process.suspend()
    for process in chance.sample(everybody, len(everybody)):
        process.kill()
    scene.panel.ended()
    assert scene.panel.process.stdout
    scene.panel.process.stdout.close()


async def test_kills_that_fall_on_a_recovery_lose_nothing_that_was_answered_either(tmp_path: Path):
    chance = random.Random(blows.seed())
    async with stage(tmp_path, ("tcp", "udp", "tcp"), clients=2) as scene:
        driver = Driver(scene)
        struck = 0
        for number, blow in enumerate(blows.drawn(chance, BLIND, 3, (signal.SIGKILL,)), 1):
            struck += await driver.strike_blindly(blow)
            if number % 8 == 0:  # or everything would be delayed for half a minute
                async with asyncio.timeout(SERVES_WITHIN):
                    await driver.all_serve()
        assert struck >= BLIND / 4  # at the others nobody was there
        await scene.judge()


async def test_processes_that_are_frozen_for_a_while_lose_nothing_that_was_answered_and_are_not_restarted(
    tmp_path: Path,
):
    """As on a machine that swaps, or whose lid was closed."""
    chance = random.Random(blows.seed())
    async with stage(tmp_path, ("tcp", "udp"), clients=2) as scene:
        driver = Driver(scene)
        before = pids(scene)
        for blow in blows.drawn(chance, FREEZES, 2, (signal.SIGSTOP,)):
            await driver.freeze(blow)
            await driver.all_serve()
        assert pids(scene) == before
        await scene.judge()


def pids(scene: Scene) -> set[int]:
    return {child.pid for child in psutil.Process(scene.panel.process.pid).children(recursive=True)}
