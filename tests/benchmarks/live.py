"""From a client's send to the row in the browser's DOM, at 100 messages a second."""

import asyncio
import socket
import time

from playwright.async_api import Page

from tests.benchmarks.browser import signed_in
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.product import Product, free_port, percentile
from tests.waiting import eventually_async

RATE, COUNT = 100, 1000

# Notes the wall clock at which each numbered message first stands in the page.
WATCH = """
() => {
  window.seen = new Map();
  const look = (text) => {
    for (const [, number] of (text || "").matchAll(/bench-(\\d{6})/g))
      if (!window.seen.has(number)) window.seen.set(number, Date.now());
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      look(change.target.textContent);
      for (const node of change.addedNodes) look(node.textContent);
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}
"""


def live(product: Product, long: bool) -> list[Figure]:
    return asyncio.run(_live(product))


async def _live(product: Product) -> list[Figure]:
    name = "bench-live"
    server = await asyncio.to_thread(product.running, preset="sink", name=name, port=free_port(socket.SOCK_DGRAM))
    async with signed_in(product) as page:
        await page.goto(f"{product.base}/servers/{name}/")
        await page.evaluate(WATCH)
        await _until_live(page, server["port"])
        sent = await asyncio.to_thread(_send, server["port"])
        await eventually_async(lambda: _all_seen(page), within=20)
        seen = {int(number): at for number, at in await page.evaluate("[...window.seen]")}
    await asyncio.to_thread(product.ask, "DELETE", f"/servers/{name}")
    delays = [seen[number] - at for number, at in sent.items()]
    what = f"from send to the row in the browser, {RATE} messages/s, {COUNT} messages"
    return [
        Figure(f"{what}: median", percentile(delays, 0.5), "ms", ""),
        at_most(f"{what}: 99th percentile", percentile(delays, 0.99), "ms", 100),
    ]


async def _all_seen(page: Page) -> bool:
    """Asked from here: the panel's policy keeps the page from evaluating text, as `wait_for_function` would."""
    return bool(await page.evaluate("window.seen.size") >= COUNT)


async def _until_live(page: Page, port: int) -> None:
    """The first message has come the whole way, so that the start of the WebSocket is not measured."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"hello-live", ("127.0.0.1", port))
    await page.get_by_text("hello-live").first.wait_for(timeout=10_000)


def _send(port: int) -> dict[int, float]:
    """When each message was sent, in milliseconds since 1970 as the browser counts."""
    sent = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        began = time.monotonic()
        for number in range(COUNT):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            sent[number] = time.time() * 1000
            client.sendto(b"bench-%06d" % number, ("127.0.0.1", port))
    return sent
