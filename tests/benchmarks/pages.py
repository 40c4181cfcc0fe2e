"""Pages: the server's time with 1,000,000 stored messages, and what a browser fetches."""

import asyncio
import socket
import statistics
import time

from playwright.async_api import Page

from tests.benchmarks.browser import signed_in
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.product import Product, free_port
from tests.benchmarks.programs import loadgen

STORED = 1_000_000
ROUNDS = 20


def pages(product: Product, long: bool) -> list[Figure]:
    name = "bench-pages"
    server = product.running(
        preset="sink", name=name, port=free_port(socket.SOCK_DGRAM), retention={"rows": 10_000_000}
    )
    while product.counters(name)["stored"] < STORED:
        loadgen("blast", server["port"], 100_000, 2, 64)
    figures = asyncio.run(_pages(product, name))
    product.ask("DELETE", f"/servers/{name}")
    return figures


async def _pages(product: Product, name: str) -> list[Figure]:
    figures = []
    for title, path in (("home page", "/servers/"), ("a server's page", f"/servers/{name}/")):
        async with signed_in(product) as page:
            figures += await _page(page, title, product.base + path)
    return figures


async def _page(page: Page, title: str, url: str) -> list[Figure]:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = await page.request.get(url)
        await answer.body()
        times.append((time.perf_counter() - began) * 1000)
    kilobytes = await _transfer(page, url)
    return [
        at_most(
            f"{title}, 1,000,000 messages stored: answered, median of {ROUNDS}", statistics.median(times), "ms", 100
        ),
        at_most(f"{title}: transfer, empty cache", kilobytes, "KB", 150),
    ]


async def _transfer(page: Page, url: str) -> float:
    """Everything that a browser with an empty cache fetches for it, as it comes over the wire."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.clearBrowserCache")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    total = 0.0

    def finished(event: dict[str, float]) -> None:
        nonlocal total
        total += event["encodedDataLength"]

    session.on("Network.loadingFinished", finished)
    await page.goto(url, wait_until="load")
    await page.wait_for_timeout(1000)  # modules that modules ask for
    return total / 1000
