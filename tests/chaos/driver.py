"""Strikes the processes of a panel and measures how long it takes until everything serves again.

A victim is struck once it counts as steady: for one that dies soon after its start the next start is delayed, by design. It decides
nothing: blows.py has drawn what is to be done.

    driver = Driver(scene)
    outcome = await driver.strike(blow)
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from services.supervisor.timings import Timings
from sockpanel.parent import STEADY
from tests.chaos.blows import NURSERY, SUPERVISOR, WEB, WORKER, Blow
from tests.chaos.stage import Scene
from tests.waiting import eventually_async

COMMANDS = {SUPERVISOR: "supervise", WEB: "web"}  # the last words of their command lines
GIVE_UP = 30.0  # seconds to serve again at the very most
FROZEN = 4.0  # times the moment of a blow: up to 2.8 s, which nobody may take for death
MARGIN = 0.2  # seconds over a steady life


@dataclass(frozen=True)
class Outcome:
    """How it went."""

    blow: Blow
    server: str  # whose worker it was; empty for other victims
    seconds: float  # until everything served again
    queued: float  # of them, how long the new process stood in line for a core
    refused: int  # connects that were refused meanwhile
    disturbed: tuple[str, ...]  # servers with connections that ended meanwhile
    orphans: tuple[str, ...]  # processes of a dead supervisor that lived on

    def __str__(self) -> str:
        took = f"{self.seconds:.2f} s, {self.queued:.2f} s of them in line for a core"
        return f"{self.blow}: {took}, {self.refused} refused, disturbed {self.disturbed}"


class Driver:
    """For one scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def strike(self, blow: Blow) -> Outcome:
        """Kill, and wait until it is as if nothing had been."""
        victim, server = await self._steady(blow)
        await asyncio.sleep(blow.after)
        workers = self._workers()
        breaks, refusals = self._breaks(), self._refusals()
        begun = time.monotonic()
        victim.send_signal(blow.signal)
        await eventually_async(lambda: has_ended(victim), GIVE_UP)
        await self._served_again(blow, server)
        seconds = time.monotonic() - begun
        left = await asyncio.to_thread(self._left, workers, 3.0 - seconds) if blow.victim == SUPERVISOR else []
        return Outcome(
            blow,
            server,
            seconds,
            await self._queued(blow),
            self._refusals() - refusals,
            tuple(name for name, times in self._breaks().items() if times > breaks[name]),
            tuple(left),
        )

    async def strike_blindly(self, blow: Blow) -> bool:
        """Strike whatever is in the victim's place just now, steady or not. False when nobody is."""
        await asyncio.sleep(blow.after)
        victim = self._now(blow)
        if victim is None:
            return False
        try:
            victim.send_signal(blow.signal)
        except psutil.NoSuchProcess:
            return False
        return True

    async def freeze(self, blow: Blow) -> None:
        """Stop the process for so long that its neighbours notice, and let it go on."""
        victim = await eventually_async(lambda: self._now(blow), GIVE_UP)
        victim.suspend()
        try:
            await asyncio.sleep(FROZEN * blow.after)
        finally:
            victim.resume()

    async def all_serve(self) -> None:
        """Wait until every server answers, and the panel does."""
        await asyncio.gather(*(served.probe.answered() for served in self._scene.servers.values()))
        await eventually_async(lambda: asyncio.to_thread(self._is_healthy), GIVE_UP)

    def _now(self, blow: Blow) -> psutil.Process | None:
        children = self._scene.panel.children(recursive=False)
        if blow.victim in COMMANDS:
            return children.get(COMMANDS[blow.victim])
        born = [child for child in self._workers() if (blow.victim == NURSERY) != child.name().startswith("sp:")]
        return born[blow.which % len(born)] if born else None

    def zombies(self) -> list[str]:
        """Processes of the panel that have ended and were not reaped."""
        every = psutil.Process(self._scene.panel.process.pid).children(recursive=True)
        return [str(process) for process in every if has_ended(process)]

    def struck(self, blow: Blow) -> str:
        """The name of the server whose worker is struck."""
        return sorted(self._scene.servers)[blow.which]

    # Who, and when it may be struck

    async def _steady(self, blow: Blow) -> tuple[psutil.Process, str]:
        if blow.victim == WORKER:
            name = self.struck(blow)
            return psutil.Process(await self._steady_worker(name)), name
        if blow.victim == NURSERY:
            return await eventually_async(self._nursery, GIVE_UP), ""
        process = await self._child(blow.victim)
        age = time.time() - process.create_time()
        await asyncio.sleep(max(0.0, STEADY + MARGIN - age))
        return process, ""

    async def _steady_worker(self, name: str) -> int:
        """The pid of a worker that has run long enough to be started again at once."""
        described = await self._until_running(name)
        since = datetime.fromisoformat(described["since"])
        age = (datetime.now(UTC) - since).total_seconds()
        await asyncio.sleep(max(0.0, Timings().steady + MARGIN - age))
        return int(described["pid"])

    async def _until_running(self, name: str) -> dict[str, str]:
        async def look() -> dict[str, str] | None:
            described = await asyncio.to_thread(self._scene.ask, "GET", f"/servers/{name}")
            return described if described["state"] == "RUNNING" and described["pid"] else None

        return await eventually_async(look, GIVE_UP)

    # Whether it serves again

    async def _served_again(self, blow: Blow, server: str) -> None:
        if blow.victim == WEB:
            await eventually_async(lambda: asyncio.to_thread(self._is_healthy), GIVE_UP)
        elif blow.victim == WORKER:
            await self._scene.servers[server].probe.answered()
        else:
            await asyncio.gather(*(served.probe.answered() for served in self._scene.servers.values()))

    async def _child(self, victim: str) -> psutil.Process:
        return await eventually_async(
            lambda: self._scene.panel.children(recursive=False).get(COMMANDS[victim]), GIVE_UP
        )

    def _nursery(self) -> psutil.Process | None:
        """The process that workers are forked from: they are known by names of their own."""
        children = [(child, child.name()) for child in self._workers()]
        return next((child for child, name in children if not name.startswith("sp:")), None)

    async def _queued(self, blow: Blow) -> float:
        """Of the process in the victim's place."""
        return queued(await self._child(blow.victim)) if blow.victim in COMMANDS else 0.0

    def _is_healthy(self) -> bool:
        try:
            return self._scene.panel.visitor().get("/healthz").status == 200
        except OSError:
            return False

    def _workers(self) -> list[psutil.Process]:
        supervisor = self._scene.panel.children(recursive=False).get("supervise")
        return supervisor.children(recursive=True) if supervisor else []

    def _left(self, processes: list[psutil.Process], within: float) -> list[str]:
        """Who of them has not ended in time."""
        return [str(process) for process in psutil.wait_procs(processes, timeout=max(0.0, within))[1]]

    def _breaks(self) -> dict[str, int]:
        return {
            served.name: sum(client.breaks + len(client.refusals) for client in served.clients)
            for served in self._scene.servers.values()
        }

    def _refusals(self) -> int:
        probes = sum(served.probe.refused for served in self._scene.servers.values())
        return probes + sum(len(client.refusals) for client in self._scene.clients)


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def queued(process: psutil.Process) -> float:
    """Seconds that a process could run and had no core (schedstat, the kernel's documentation of scheduler statistics)."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9
