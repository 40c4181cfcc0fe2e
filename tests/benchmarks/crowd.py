"""200 WebSockets on one server at 1,000 messages a second, 20 of them reading nothing: nobody else may notice."""

import asyncio
import socket

from tests.benchmarks.figures import Figure, at_most, exactly
from tests.benchmarks.processes import most_megabytes, named
from tests.benchmarks.product import Product, free_port, percentile
from tests.benchmarks.programs import loadgen
from tests.benchmarks.watcher import Watcher
from tests.waiting import eventually_async

WATCHERS, STARERS = 180, 20
RATE, SECONDS, SIZE = 1_000, 10, 64
NAME = "bench-crowd"


def crowd(product: Product, long: bool) -> list[Figure]:
    server = product.running(preset="sink", name=NAME, port=free_port(socket.SOCK_DGRAM), retention={"rows": 1_000_000})
    web = named(product, "web")
    watchers, sent = asyncio.run(_watch(product, server["port"]))
    memory, stored = most_megabytes(web), {seq for (seq,) in product.rows("SELECT seq FROM services_message")}
    for watcher in watchers:
        watcher.read_skipped()
    product.ask("DELETE", f"/servers/{NAME}")
    delays = [delay for watcher in watchers for delay in watcher.delays]
    what = f"{WATCHERS + STARERS} WebSockets on one server at {RATE:,} messages/s for {SECONDS} s, {STARERS} reading nothing"
    return [
        exactly(
            f"{what}: others with exactly the rows of the database",
            sum(watcher.seen == stored for watcher in watchers),
            WATCHERS,
        ),
        exactly("rows stored", len(stored), sent, f"{sent:,}, as sent"),
        exactly("rows that came to anybody twice", sum(watcher.doubled for watcher in watchers), 0),
        Figure("spans with skipped rows, read again over the API", sum(len(watcher.skipped) for watcher in watchers)),
        Figure("from recorded to received: median", percentile(delays, 0.5) * 1000, "ms"),
        at_most("from recorded to received: 99th percentile", percentile(delays, 0.99) * 1000, "ms", 1000),
        at_most("panel: most memory it ever had", memory, "MB", 400),
    ]


async def _watch(product: Product, port: int) -> tuple[list[Watcher], int]:
    """Those who read, each with the last row there is; and how many were sent."""
    watchers = [Watcher(product, NAME) for _ in range(WATCHERS)]
    starers = [Watcher(product, NAME, stares=True) for _ in range(STARERS)]
    for one in (*starers, *watchers):
        await one.connect()
    sent = (await asyncio.to_thread(loadgen, "blast", port, RATE, SECONDS, SIZE))["sent"]
    await eventually_async(lambda: all(one.last >= sent or one.closed for one in watchers), within=60)
    for one in (*starers, *watchers):
        one.leave()
    return watchers, sent
