"""Joins supervisor, recorder, databases and bus: reads what is wanted, has it done, writes what happened.

await Runtime(data_dir, "local").run(stop)      # until the event `stop` is set
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from services import disk, hints, jobs, panel_port, wishes
from services.actions import Actions
from services.audit import word
from services.audit.watch import Watch
from services.batches import StoreBatch
from services.books import Allotted
from services.errors import SockpanelError
from services.execution_jobs import BeginCommand, EndCommand
from services.exposure import Exposure
from services.holding import Hold
from services.pruning import Prune
from services.pruning import Wanted as Pruning
from services.recorder import Recorder
from services.remote import files, switch
from services.remote.uses import Uses
from services.servers import clock
from services.servers.report import Batch, KeyUsed
from services.supervisor.events import Begun, Ended, Heeded, History, Moved, RunEnded, RunStarted
from services.supervisor.former import end_former
from services.supervisor.lock import SupervisorLock
from services.supervisor.nursery import Nursery
from services.supervisor.supervisor import Supervisor
from services.supervisor.wanted import Wanted
from services.tls import rows
from services.tls.vigil import Vigil
from services.version import VERSION

logger = logging.getLogger(__name__)

LOOK_EVERY = 2.0  # seconds; a lost hint costs at most this
ALIVE_EVERY = 5.0  # seconds between two signs of life
# Seconds that workers of a dead supervisor get to leave; one that works leaves within 0.8 s of its death
FORMER_WITHIN = 1.0
STEADY = 5.0  # seconds of life after which a death is no sign of a crash loop
HINT_PAUSE = 0.01  # seconds: commits that come faster share a hint


class Runtime:
    """One node's supervision, from lock to last commit. Also the supervisor's observer."""

    def __init__(self, data_dir: Path, node: str, only: str | None = None, nursery: Nursery | None = None) -> None:
        self._started_at = clock.now()
        self._data_dir = data_dir
        self._lock = SupervisorLock(data_dir, node, self._started_at)
        self._node, self._only, self._nursery = node, only, nursery
        self._allotted: dict[int, Allotted] = {}
        self._datagrams: set[int] = set()
        self._refused: dict[int, wishes.Refused] = {}  # servers whose configuration makes no sense, as already told
        self._purging: set[int] = set()
        self._fresh: set[int] = set()
        self._fresh_event = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._uses = Uses(self._spawn)
        self._former: dict[int, int] = {}  # server -> what had been asked of it before we began
        self._watch = Watch(data_dir, node)
        self._last: list[Wanted] = []  # as it was read when the control database could be read last
        self.began = asyncio.Event()  # from then on it can be asked for something

    async def run(self, stop: asyncio.Event) -> None:
        """Supervise until `stop` is set. Raises AlreadySupervised, or SockpanelError when the recorder failed."""
        self._former = await sync_to_async(wishes.asks)(self._node)  # with the lock held people may ask for more
        with self._lock:
            self.began.set()
            await asyncio.to_thread(disk.make_way, self._data_dir)
            self._hold = await asyncio.to_thread(Hold.of, self._data_dir)
            loop = asyncio.get_running_loop()
            self._recorder = Recorder(loop, self._stored, stop.set, self._hold, self._troubled)
            self._recorder.most = settings.SOCKPANEL_HISTORY_BYTES
            self._exposure = Exposure(self._spawn, self._recorder.put)
            self._supervisor = Supervisor(self, opener=panel_port.open_socket, nursery=self._nursery)
            self._actions = Actions(self._supervisor, self._spawn, self._prune)
            await self._take_over()
            if self._nursery is not None:
                await self._nursery.begun()
            self._recorder.start()
            hinter = asyncio.create_task(self._hint_fresh(), name="hints")
            self._spawn(Vigil().keep(), "certificates")
            try:
                await self._look_until(stop)
            finally:
                await self._supervisor.close()
                await self._exposure.close()
                await self._recorder.close()
                await self._end(hinter, *self._tasks)
                await hints.ahint("panel")
            if self._recorder.failed:
                raise SockpanelError(
                    "The recorder has failed, the log says why: nothing could be stored any more. Start again."
                )

    async def _take_over(self) -> None:
        """Make sure that nobody of a former life is left, and that the books say so."""
        former = await sync_to_async(wishes.former_runs)(self._node)
        if former:
            await end_former(former, FORMER_WITHIN)
        await sync_to_async(wishes.settle_former)(self._node, clock.now())
        if self._only is None:
            for server in await sync_to_async(wishes.autostart)(self._node):
                self._former[server] = self._former.get(server, 0) + 1
            await sync_to_async(rows.sweep)(is_restored=word.waits(self._data_dir))
            await sync_to_async(self._watch.begin)()
        else:
            await sync_to_async(self._watch.attend)()

    async def _look_until(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait(), name="stop asked")
        alive, steady = 0.0, asyncio.get_running_loop().call_later(STEADY, self._lock.settle)
        try:
            async with hints.Listener("supervisor") as listener:
                while not stop.is_set():
                    if time.monotonic() - alive >= ALIVE_EVERY:
                        alive = time.monotonic()
                        self._recorder.put(jobs.Live(self._node, os.getpid(), self._started_at, VERSION))
                    await self._look_safely()
                    await self._hint_or(stopped, listener)
        finally:
            steady.cancel()
            await self._end(stopped)

    async def _hint_or(self, stopped: asyncio.Task[Any], listener: hints.Listener) -> None:
        hinted = asyncio.create_task(listener.wait(LOOK_EVERY), name="hint awaited")
        try:
            await asyncio.wait({hinted, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._end(hinted)

    async def _look_safely(self) -> None:
        """A database that is away must not end the supervision of what runs."""
        try:
            await self.look()
            if self._watch.is_due():
                await sync_to_async(self._watch.look)()
        except wishes.UNREADABLE as error:
            logger.error("The control database cannot be read (%s): what runs goes on, nothing new is heeded.", error)
            await self._bar_commands(switch.forced_off())
            # A broken connection would stay broken: the next look opens one
            await sync_to_async(close_old_connections)()

    async def look(self) -> None:
        """Read what is wanted, once, and have it done."""
        wish = await sync_to_async(wishes.read)(self._node, self._only, set(self._allotted))
        self._take_books(wish)
        self._last = wishes.restored(wish.wanted, self._former)
        await self._supervisor.reconcile(self._last)
        self._former = {}  # what is new from now on was asked for
        for refused in wish.refused:
            self._refuse(refused)
        for server in wish.gone:
            self._forget(server)
        for server in wish.left:
            self._recorder.caps.pop(server, None)
            self._allotted.pop(server, None)
        self._actions.take(wish.actions)

    async def _bar_commands(self, why: str) -> None:
        """The file that switches remote commands off needs no database."""
        if why:
            await self._supervisor.reconcile(wishes.barred(self._last, why))

    def _take_books(self, wish: wishes.Wish) -> None:
        for book in wish.books:
            self._recorder.books[book.server_id] = book
            self._allotted[book.server_id] = Allotted(book.last_run, book.last_connection, wish.peers[book.server_id])
        self._recorder.caps.update(wish.caps)
        self._datagrams = wish.datagrams

    def _refuse(self, refused: wishes.Refused) -> None:
        if self._refused.get(refused.server) != refused:
            self._refused[refused.server] = refused
            self._recorder.put(jobs.Move(refused.moved(clock.now())))

    def _forget(self, server: int) -> None:
        """The server was deleted: its rows go in slices, once its worker is gone."""
        self._recorder.caps.pop(server, None)
        self._allotted.pop(server, None)
        self._refused.pop(server, None)
        if server not in self._purging:
            self._hold.make_way()
            files.forget_server(server)
            self._purging.add(server)
            self._purge(server)

    def _purge(self, server: int) -> None:
        self._recorder.put(jobs.Purge(server, self._purge, self._purging.discard))

    async def _prune(self, server: int, keep: int) -> int:
        """Remove all but the newest messages of a server. How many went."""
        await asyncio.to_thread(self._hold.make_way)
        gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def finished(count: int) -> None:
            if not gone.done():
                gone.set_result(count)

        self._recorder.put(Prune(server, Pruning(keep, self._recorder.put, finished)))
        return await gone

    # What the supervisor tells (services.supervisor.events.Observer)

    def history(self, server: int) -> History:
        allotted = self._allotted.setdefault(server, Allotted())
        allotted.last_run += 1
        return History(allotted.last_run, allotted.last_connection + 1, dict(allotted.peers))

    def moved(self, moved: Moved) -> None:
        self._recorder.put(jobs.Move(moved))

    def heeded(self, heeded: Heeded) -> None:
        self._recorder.put(jobs.Heed(heeded))

    def run_started(self, started: RunStarted) -> None:
        self._recorder.put(jobs.BeginRun(started))

    def run_ended(self, ended: RunEnded) -> None:
        self._recorder.put(jobs.EndRun(ended))

    def reported(self, server: int, run: int, batch: Batch, stored: Callable[[int], None]) -> None:
        allotted = self._allotted.setdefault(server, Allotted())
        for opened in batch.opened:
            allotted.opened(opened.number, opened.peer, server in self._datagrams)
        self._exposure.note(server, batch.exposed)
        self._recorder.put(StoreBatch(server, run, batch, stored))

    def command_begun(self, begun: Begun, recorded: Callable[[], None]) -> None:
        self._recorder.put(BeginCommand(begun, recorded))

    def command_ended(self, ended: Ended) -> None:
        self._recorder.put(EndCommand(ended))

    def key_used(self, server: int, used: KeyUsed) -> None:
        self._uses.note(used)

    # What the recorder tells

    def _troubled(self, why: str) -> None:
        self._lock.note(why)
        self._fresh_event.set()

    def _stored(self, servers: set[int]) -> None:
        self._fresh |= servers
        self._fresh_event.set()

    async def _hint_fresh(self) -> None:
        while True:
            await self._fresh_event.wait()
            self._fresh_event.clear()
            servers, self._fresh = self._fresh, set()
            for server in servers - {0}:
                await hints.ahint("panel", server)
            await asyncio.sleep(HINT_PAUSE)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self, *tasks: asyncio.Task[Any]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
