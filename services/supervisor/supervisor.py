"""Keeps servers as wanted: hand it the wanted set as often as you like, and it starts, restarts and stops workers until it is so.

It knows no database: who wants what is told to it, and what happens is told to its observer.

    supervisor = Supervisor(observer)  # inside a running event loop
    await supervisor.reconcile([Wanted(id=1, spec=spec, running=True, restart="on-failure")])
    await supervisor.close()
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from services.errors import AddressInUse, BindError, NotRunning, SendRefused, SockpanelError, StartFailed
from services.servers import report
from services.servers.sockets import close_socket, open_socket
from services.servers.spec import ServerSpec
from services.supervisor import reasons
from services.supervisor.allowance import Allowance
from services.supervisor.backoff import Budget
from services.supervisor.door import Held
from services.supervisor.events import Observer
from services.supervisor.gate import Gate
from services.supervisor.keeper import Keeper
from services.supervisor.means import Hand, Means, Opened
from services.supervisor.neighbourhood import Neighbourhood
from services.supervisor.nursery import Nursery
from services.supervisor.spawned import Spawned, hear_of_ends
from services.supervisor.states import ACTIVE, State
from services.supervisor.timings import Timings
from services.supervisor.wanted import Wanted, place
from services.supervisor.worker import Launch, Worker

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "services.servers")
TIMINGS = Timings()
# What to do with a server that is on its way, until it can be asked; one that rests has to be started
UNTIL = {
    State.STARTING: "wait until it is RUNNING",
    State.BACKOFF: "wait until it is RUNNING",
    State.STOPPING: "wait until it rests",
}

Opener = Callable[[ServerSpec], socket.socket]
Closer = Callable[[socket.socket, ServerSpec], None]


class Supervisor:
    """The keepers of one node. Everything here is called in the loop that it was made in."""

    def __init__(
        self,
        observer: Observer,
        *,
        command: tuple[str, ...] = COMMAND,
        timings: Timings = TIMINGS,
        opener: Opener = open_socket,
        closer: Closer = close_socket,
        nursery: Nursery | None = None,
    ) -> None:
        hear_of_ends()
        self._loop = asyncio.get_running_loop()
        self._command = command
        self._timings = timings
        self._opener = opener
        self._nursery = nursery
        self._allowance = Allowance()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="open-socket")
        self._keepers: dict[int, Keeper] = {}
        self._changing: dict[int, asyncio.Lock] = {}
        self._empty: asyncio.Future[None] | None = None  # set once `close` was called
        self._means = Means(
            clock=self._loop,
            timings=timings,
            observer=observer,
            open=self._open,
            close=closer,
            spawn=self._spawn,
            is_free=self._is_free,
            freed=self._freed,
            rested=self._rested,
            gate=Gate(timings.at_once),
            budget=Budget(timings),
            moved=Neighbourhood(self._loop, self._keepers.values).changed,
        )

    async def reconcile(self, wanted: Iterable[Wanted]) -> None:
        """Sees to it that exactly these servers are as wanted; what is missing is stopped and forgotten.

        Stops come first, so that their addresses are free for what starts. It does not wait for servers to settle.
        """
        if self._empty is not None:
            return
        if self._nursery is not None:
            self._nursery.tidy()
        whole = {one.id: one for one in wanted}
        for keeper in list(self._keepers.values()):
            if keeper.id not in whole and not keeper.leaving:
                keeper.leave(reasons.REMOVED)
        news = [one for one in whole.values() if self._is_news(one)]
        for one in sorted(news, key=self._frees_nothing):
            self._heed(one)

    async def change(self, wanted: Wanted) -> None:
        """Goes over to a changed configuration; a server that is up is restarted with it, and keeps its socket where it can.

        A new address is opened first. Raises BindError when it cannot be: the old one goes on as it was.
        """
        async with self._changing.setdefault(wanted.id, asyncio.Lock()):
            keeper = self._keepers.get(wanted.id)
            if keeper is None or keeper.state not in ACTIVE or keeper.fits(wanted.spec) or not wanted.running:
                self._heed(wanted)
                return
            try:
                sock = await self._opened(wanted.spec)
            except AddressInUse:
                if place(keeper.current.spec) != place(wanted.spec):
                    raise
                await self._exchange(keeper, wanted)  # it is we who have it: 127.0.0.1 to 0.0.0.0, for one
                return
            self._hold(wanted, Held(sock, wanted.spec))

    async def send(self, server: int, order: report.Send | report.Close) -> report.Done:
        """What a running server's worker answers to the order; a failure it knows of stands in the answer.

        Raises NotRunning, or SendRefused when it takes no more or does not answer in time.
        """
        keeper = self._keepers.get(server)
        if keeper is None or keeper.worker is None or keeper.state is not State.RUNNING:
            state = self.state(server)
            raise NotRunning(f"The server is {state}: {UNTIL.get(state, 'start it')}, then ask again.")
        answer = keeper.worker.ask(order)
        try:
            return await asyncio.wait_for(answer, self._timings.answer)
        except TimeoutError:
            raise SendRefused(
                f"The server did not answer within {self._timings.answer:g} s: look whether it is busy, then try again."
            ) from None

    def state(self, server: int) -> State:
        """Where the server stands; STOPPED for one that is not known."""
        keeper = self._keepers.get(server)
        return State.STOPPED if keeper is None else keeper.state

    async def close(self) -> None:
        """Stops everything, as gently as time allows, frees every socket and leaves no process; nothing is started any more."""
        if self._empty is None:
            self._empty = self._loop.create_future()
            for keeper in list(self._keepers.values()):
                keeper.leave(reasons.LEAVING)
            self._rested(0)
        try:
            async with asyncio.timeout(self._timings.stop + self._timings.open):
                await asyncio.shield(self._empty)
        except TimeoutError:
            left = ", ".join(keeper.current.spec.name for keeper in self._keepers.values())
            logger.error("The workers of %s outlived even their SIGKILL: look at the machine.", left)
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            if self._nursery is not None:
                await self._nursery.sweep()
                self._nursery.close()

    # The wanted set

    def _is_news(self, wanted: Wanted) -> bool:
        keeper = self._keepers.get(wanted.id)
        return keeper is None or keeper.leaving or keeper.wanted != wanted

    def _frees_nothing(self, wanted: Wanted) -> bool:
        """Sorts what may free an address before what may need one."""
        keeper = self._keepers.get(wanted.id)
        return keeper is None or (wanted.running and keeper.state not in ACTIVE)

    def _heed(self, wanted: Wanted) -> None:
        if self._empty is not None:
            return
        keeper = self._keepers.get(wanted.id)
        if keeper is not None:
            keeper.heed(wanted)
            return
        keeper = self._keepers[wanted.id] = Keeper(wanted, self._means)
        if wanted.restored:
            keeper.heed(wanted, reasons.RESTORED, who="")
        else:
            keeper.heed(wanted)

    def _rested(self, server: int) -> None:
        keeper = self._keepers.get(server)
        if keeper is not None and keeper.leaving:
            del self._keepers[server]
            self._changing.pop(server, None)
        if not self._keepers and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def _is_free(self, spec: ServerSpec) -> bool:
        return not any(keeper.blocks(spec) for keeper in self._keepers.values())

    def _freed(self) -> None:
        for keeper in list(self._keepers.values()):
            keeper.try_again()

    # Changes

    def _hold(self, wanted: Wanted, held: Held) -> None:
        keeper = self._keepers.get(wanted.id)
        if keeper is None or keeper.state not in ACTIVE or self._empty is not None:  # it ended while the socket opened
            self._means.close(held.socket, held.spec)
            self._heed(wanted)
        else:
            keeper.hold(wanted, held)

    async def _exchange(self, keeper: Keeper, wanted: Wanted) -> None:
        done: asyncio.Future[None] = self._loop.create_future()

        def conclude(error: SockpanelError | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        keeper.exchange(wanted, conclude)
        try:
            await asyncio.wait_for(done, 2 * (self._timings.stop + self._timings.open))
        except TimeoutError:
            raise StartFailed("The change was not through in time: look at the server's state.") from None

    # Sockets and workers

    async def _opened(self, spec: ServerSpec) -> socket.socket:
        answer: asyncio.Future[socket.socket] = self._loop.create_future()

        def opened(result: socket.socket | BindError) -> None:
            if isinstance(result, BindError):
                if not answer.done():
                    answer.set_exception(result)
            elif answer.done():  # nobody waits any more
                self._means.close(result, spec)
            else:
                answer.set_result(result)

        self._open(spec, opened)
        try:
            return await asyncio.wait_for(answer, self._timings.open)
        except TimeoutError:
            raise BindError(
                f"{spec.address} did not open within {self._timings.open:g} s: look at the machine."
            ) from None

    def _open(self, spec: ServerSpec, answer: Opened) -> None:
        """In a thread: to find out who holds an address means to look at every process."""

        def opened(future: asyncio.Future[socket.socket]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                answer(future.result())
            elif isinstance(error, BindError):
                answer(error)
            else:
                answer(
                    BindError(
                        f"{spec.address} cannot be opened ({error}): look at the server's address and the machine."
                    )
                )

        self._loop.run_in_executor(self._threads, self._opener, spec).add_done_callback(opened)

    def _spawn(self, launch: Launch) -> Hand:
        bear = Spawned if self._nursery is None else self._nursery.bear
        return Worker(self._command, launch, self._loop, self._timings.farewell, bear, self._allowance)
