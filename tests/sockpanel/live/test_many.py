"""Many pages on one server, the whole product behind them: what they show in the end is what the database has."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.ports import free_port
from tests.sockpanel.cutting import Cutting
from tests.sockpanel.panel import Panel
from tests.sockpanel.watchers import Watcher, reads_nothing
from tests.waiting import eventually_async

MEGA = 1024 * 1024


@pytest.fixture(scope="module")
def panel() -> Iterator[Panel]:
    """`up`, of its own: its web process is killed here."""
    running = Panel()
    running.start()
    yield running
    running.end()


@dataclass(frozen=True)
class Sink:
    """A server that takes datagrams, and the panel that shows it."""

    panel: Panel
    name: str
    port: int

    @property
    def web(self) -> psutil.Process:
        return self.panel.children()["web"]

    async def send(self, rate: int, count: int, size: int = 64) -> None:
        """Datagrams at a steady rate."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            began, sent = time.monotonic(), 0
            while sent < count:
                due = min(count, int((time.monotonic() - began) * rate))
                for number in range(sent, due):
                    client.sendto(b"%0*d" % (size, number), ("127.0.0.1", self.port))
                sent = due
                await asyncio.sleep(0.005)

    async def stored(self, after: int = 0, until: int = 2**62) -> set[int]:
        """The numbers that the database has, by the API."""
        found: set[int] = set()
        headers = {"Authorization": f"Bearer {self.panel.token}"}
        while after < until:
            path = f"/api/v1/servers/{self.name}/messages?after={after}&limit=1000"
            page = (await asyncio.to_thread(self.panel.visitor().get, path, **headers)).json()["messages"]
            if not page:
                break
            found |= {message["seq"] for message in page if message["seq"] <= until}
            after = page[-1]["seq"]
        return found


@pytest.fixture
def sink(panel: Panel, request: pytest.FixtureRequest) -> Sink:
    """A fresh one, running."""
    visitor, port, name = panel.login(), free_port(), f"sink-{hash(request.node.name) % 10_000}"
    words = {"preset": "sink", "name": name, "transport": "udp", "port": port}
    assert visitor.post("/api/v1/servers", json=words).status == 201
    answer = visitor.post(f"/api/v1/servers/{name}/start", json={})
    assert answer.status == 200, answer.text
    return Sink(panel, name, port)


@contextlib.asynccontextmanager
async def watched(sink: Sink, watching: int, stuck: int = 0, port: int = 0) -> AsyncIterator[list[Watcher]]:
    """So many pages that read, and so many that do not, all connected; by another port, if something stands between."""
    panel = sink.panel
    host = f"127.0.0.1:{panel.port}"
    watchers = [Watcher(port or panel.port, panel.token, sink.name, host) for _ in range(watching)]
    tasks = [asyncio.create_task(watcher.watch(), name="watcher") for watcher in watchers]
    tasks += [
        asyncio.create_task(reads_nothing(panel.port, panel.token, sink.name), name="stuck") for _ in range(stuck)
    ]
    try:
        await eventually_async(lambda: all(watcher.opened for watcher in watchers), 20)
        yield watchers
    finally:
        for watcher in watchers:
            watcher.is_over = True
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [error for error in ended if isinstance(error, Exception)] == []


async def assert_equal(sink: Sink, watchers: list[Watcher], count: int) -> None:
    """Within 10 s each page has what the database has; gaps are fetched, as a page does."""
    there = await sink.stored()
    assert len(there) == count
    await eventually_async(lambda: all(watcher.last >= max(there) for watcher in watchers), 10)
    for watcher in watchers:
        for first, last in watcher.gaps:
            watcher.seqs |= await sink.stored(first - 1, last)
        assert watcher.seqs == there
        assert watcher.doubled == 0


async def test_every_page_ends_with_what_the_database_has_and_is_never_late(sink: Sink) -> None:
    async with watched(sink, watching=30, stuck=5) as watchers:
        await sink.send(rate=3_300, count=10_000)
        await assert_equal(sink, watchers, 10_000)
    delays = sorted(delay for watcher in watchers for delay in watcher.delays)
    assert delays[int(len(delays) * 0.99)] < 1.0
    assert sink.web.memory_info().rss < 400 * MEGA


@pytest.mark.timeout(240)  # on a busy machine a web process takes its time to start, twice
async def test_after_two_deaths_of_the_web_process_and_a_cut_every_page_has_what_the_database_has(sink: Sink) -> None:
    async with Cutting(sink.panel.port) as between, watched(sink, watching=20, port=between.port) as watchers:
        sending = asyncio.create_task(sink.send(rate=1_000, count=6_000))
        for at_least in (1_000, 3_000):
            await eventually_async(lambda least=at_least: watchers[0].last > least, 60)
            sink.web.kill()
        await eventually_async(lambda: all(watcher.opened > 2 for watcher in watchers), 60)
        between.cut()
        await eventually_async(lambda: all(watcher.opened > 3 for watcher in watchers), 60)
        await sending
        await assert_equal(sink, watchers, 6_000)


async def test_pages_that_read_nothing_cost_little_memory_and_nobody_elses_time(sink: Sink) -> None:
    delays = []
    async with watched(sink, watching=1, stuck=20):
        before = sink.web.memory_info().rss
        sending = asyncio.create_task(sink.send(rate=1_250, count=7_500, size=8_000))
        while not sending.done():
            began = time.monotonic()
            answer = await asyncio.to_thread(sink.panel.visitor().get, "/login/")
            assert answer.status == 200
            delays.append(time.monotonic() - began)
        grown = sink.web.memory_info().rss - before
    assert grown < 64 * MEGA
    assert len(delays) > 20
    assert sorted(delays)[int(len(delays) * 0.99)] < 1.0
