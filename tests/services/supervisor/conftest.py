"""A clock that stands still until told, a worker that does as told, and an observer that remembers."""

import asyncio
import heapq
import itertools
import socket
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.errors import BindError, SendRefused
from services.servers.spec import Reply, ServerSpec
from services.supervisor.backoff import Budget
from services.supervisor.events import History
from services.supervisor.gate import Gate
from services.supervisor.keeper import Keeper
from services.supervisor.means import Means
from services.supervisor.process import Exit
from services.supervisor.supervisor import Supervisor
from services.supervisor.timings import Timings
from services.supervisor.wanted import Wanted
from services.supervisor.worker import End


class FakeTimer:
    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class FakeClock:
    """Monotonic time that passes only in `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[tuple[float, int, FakeTimer, Callable, tuple]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable, *args: Any) -> FakeTimer:
        timer = FakeTimer()
        heapq.heappush(self._calls, (self.now + delay, next(self._order), timer, callback, args))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            at, _, timer, callback, args = heapq.heappop(self._calls)
            self.now = max(self.now, at)
            if not timer.is_cancelled:
                callback(*args)
        self.now = end


class FakeWorker:
    """What a keeper sees of a worker; the test says what it does."""

    _pids = itertools.count(5000)

    def __init__(self, launch: Any, clock: FakeClock) -> None:
        self.launch = launch
        self.pid = next(self._pids)
        self.process_start = self.pid * 7
        self.is_alive = True
        self.terminated = 0
        self.killed: list[str] = []
        self.briefings: list[Any] = []
        self.certified: list[Any] = []
        self.met: list[tuple[int, ...]] = []
        self.is_deaf = False  # takes nothing more
        self.heard_at = clock.now
        self._clock = clock

    def listen(self, listener: Any) -> None:
        self.listener = listener

    def quiet_for(self) -> float:
        return self._clock.now - self.heard_at

    def brief(self, briefing: Any) -> None:
        if self.is_deaf:
            raise SendRefused("The server has not yet taken what was given to it before.")
        self.briefings.append(briefing)

    def certify(self, material: Any) -> None:
        if self.is_deaf:
            raise SendRefused("The server has not yet taken what was given to it before.")
        self.certified.append(material)

    def meet(self, ports: tuple[int, ...]) -> None:
        if self.is_deaf:
            raise SendRefused("The server has not yet taken what was given to it before.")
        self.met.append(ports)

    def terminate(self) -> None:
        self.terminated += 1

    def kill(self, why: str) -> None:
        self.killed.append(why)

    def speak(self) -> None:
        self.heard_at = self._clock.now

    def ready(self, receive_buffer: int = 0) -> None:
        self.speak()
        self.listener.ready(receive_buffer)

    def end(self, code: int | None = None, signal: int | None = None, refused: str = "", stderr: str = "") -> None:
        assert self.is_alive
        self.is_alive = False
        why = self.killed[0] if self.killed else ""
        self.listener.ended(End(exit=Exit(code, signal), why=why, refused=refused, stderr=stderr))


class Journal:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.moves: list[Any] = []
        self.heeds: list[Any] = []
        self.started: list[Any] = []
        self.ended: list[Any] = []
        self.batches: list[tuple[int, int, Any, Callable[[int], None]]] = []
        self.begun: list[tuple[Any, Callable[[], None]]] = []
        self.command_ends: list[Any] = []
        self.used: list[tuple[int, Any]] = []
        self.runs: dict[int, int] = defaultdict(int)
        self.failure: Exception | None = None
        self.waiters: list[Callable[[], None]] = []
        self.stores = False  # whether every batch is acknowledged at once
        self.reported_before_end: list[int] = []  # batches known of when a run ended

    def history(self, server: int) -> History:
        if self.failure is not None:
            raise self.failure
        return History(next_run=self.runs[server] + 1, next_connection=11, peers={"127.0.0.1:5000": 3})

    def moved(self, moved: Any) -> None:
        self.moves.append(moved)
        self._stir()

    def heeded(self, heeded: Any) -> None:
        self.heeds.append(heeded)
        self._stir()

    def run_started(self, started: Any) -> None:
        self.runs[started.server] = started.run
        self.started.append(started)
        self._stir()

    def run_ended(self, ended: Any) -> None:
        self.ended.append(ended)
        self.reported_before_end.append(len(self.batches))
        self._stir()

    def reported(self, server: int, run: int, batch: Any, stored: Callable[[int], None]) -> None:
        self.batches.append((server, run, batch, stored))
        if self.stores:
            stored(batch.number)
        self._stir()

    def command_begun(self, begun: Any, recorded: Callable[[], None]) -> None:
        self.begun.append((begun, recorded))
        self._stir()

    def command_ended(self, ended: Any) -> None:
        self.command_ends.append(ended)
        self._stir()

    def key_used(self, server: int, used: Any) -> None:
        self.used.append((server, used))
        self._stir()

    def states(self, server: int = 1) -> list[str]:
        """The states that a server has moved to, in order."""
        return [moved.new.value for moved in self.moves if moved.server == server]

    def reached(self, state: str, server: int = 1, times: int = 1) -> Callable[[], bool]:
        """For `until`: the server stands in `state`, and has moved there that often."""
        return lambda: self.states(server)[-1:] == [state] and self.states(server).count(state) >= times

    def _stir(self) -> None:
        for waiter in self.waiters:
            waiter()


class House:
    """Everything around one keeper, faked."""

    def __init__(self, timings: Timings) -> None:
        self.clock = FakeClock()
        self.journal = Journal()
        self.workers: list[FakeWorker] = []
        self.sockets: list[socket.socket] = []
        self.refusal: BindError | None = None  # what opening a socket meets
        self.opens_later: list[Callable[[], None]] | None = None  # openings under way, when they are to be
        self.spawn_failure: OSError | None = None
        self.blocked: set[Any] = set()  # specs whose place is taken by a stopping neighbour
        self.rested: list[int] = []
        self.budget = Budget(timings)
        self.means = Means(
            clock=self.clock,
            timings=timings,
            observer=self.journal,
            open=self._open,
            close=lambda sock, spec: sock.close(),
            spawn=self._spawn,
            is_free=lambda spec: spec not in self.blocked,
            freed=lambda: None,
            rested=self.rested.append,
            gate=Gate(timings.at_once),
            budget=self.budget,
        )

    @property
    def worker(self) -> FakeWorker:
        return self.workers[-1]

    @property
    def open_sockets(self) -> int:
        return sum(sock.fileno() >= 0 for sock in self.sockets)

    def keeper(self, **words: Any) -> Keeper:
        wanted = self.wanted(**words)
        keeper = Keeper(wanted, self.means)
        keeper.heed(wanted)
        return keeper

    def running(self, **words: Any) -> Keeper:
        """A keeper whose worker is ready."""
        keeper = self.keeper(**words)
        self.worker.ready()
        return keeper

    def wanted(self, **words: Any) -> Wanted:
        fields = {"id": 1, "running": True, "restart": "on-failure", "asked": 1, "asked_by": "alice", **words}
        return Wanted(spec=fields.pop("spec", None) or spec(), **fields)

    def _open(self, spec: ServerSpec, answer: Callable) -> None:
        def opened() -> None:
            if self.refusal is not None:
                answer(self.refusal)
                return
            self.sockets.append(socket.socket())
            answer(self.sockets[-1])

        if self.opens_later is None:
            opened()
        else:
            self.opens_later.append(opened)

    def _spawn(self, launch: Any) -> FakeWorker:
        if self.spawn_failure is not None:
            raise self.spawn_failure
        self.workers.append(FakeWorker(launch, self.clock))
        return self.workers[-1]


def spec(port: int = 9000, text: str = "", **fields: Any) -> ServerSpec:
    """A TCP echo server; `text` makes another configuration of it."""
    reply = Reply(type="fixed", text=text) if text else Reply(type="echo")
    words = {"name": "echo", "kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": port, "reply": reply}
    return ServerSpec(**{**words, **fields})


@pytest.fixture(name="spec")
def _spec() -> Callable[..., ServerSpec]:
    return spec


@pytest.fixture
def timings() -> Timings:
    return Timings(jitter=0.0)


@pytest.fixture
def house(timings: Timings) -> House:
    house = House(timings)
    yield house
    for sock in house.sockets:
        sock.close()


@pytest.fixture
def journal() -> Journal:
    return Journal()


SCRIPT = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))


@pytest.fixture
def script() -> tuple[str, ...]:
    """The command of a worker that plays the steps in the text of its server's reply."""
    return SCRIPT


async def until(journal: Journal, happened: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Waits until the journal's entries make `happened` true, and returns what it gave."""
    stirred = asyncio.Event()
    journal.waiters.append(stirred.set)
    try:
        async with asyncio.timeout(seconds):
            while not (result := happened()):
                stirred.clear()
                await stirred.wait()
            return result
    finally:
        journal.waiters.remove(stirred.set)


@pytest.fixture(name="until")
def _until(journal: Journal) -> Callable[..., Any]:
    """`await until(lambda: journal.ended)`"""
    return partial(until, journal)


@pytest.fixture
def quick() -> Timings:
    """Intervals for tests that run real processes: short, but far longer than a busy machine makes anybody wait."""
    return Timings(first_delay=0.02, longest_delay=0.1, silence=30.0, answer=20.0)


@pytest.fixture
async def supervise(
    journal: Journal, script: tuple[str, ...], quick: Timings
) -> AsyncIterator[Callable[..., Supervisor]]:
    """`supervise()` makes a supervisor whose workers play a script; all of them are closed at the end."""
    made: list[Supervisor] = []

    def make(**words: Any) -> Supervisor:
        made.append(Supervisor(journal, **{"command": script, "timings": quick, **words}))
        return made[-1]

    yield make
    for supervisor in made:
        await supervisor.close()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port that nobody has just now."""

    def find() -> int:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return sock.getsockname()[1]

    return find


@pytest.fixture
def wanted(free_port: Callable[[], int]) -> Callable[..., Wanted]:
    """`wanted("ready; wait")`: a server to run whose worker plays these steps, on a free port."""

    def make(steps: str = "ready; wait", **words: Any) -> Wanted:
        fields = {"id": 1, "running": True, "restart": "on-failure", "asked": 1, "asked_by": "alice", **words}
        described = fields.pop("spec", None) or spec(port=fields.pop("port", None) or free_port(), text=steps)
        return Wanted(spec=described, **fields)

    return make
