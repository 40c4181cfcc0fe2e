"""Remote commands: from Enter to the first byte on the page, 100 MB through the protocol, and what a lying length costs."""

import asyncio
import socket
import statistics
import subprocess
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Page, expect

from services.client.commands import Exit, Output, Target, connect
from tests.benchmarks.browser import signed_in
from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.product import Product, free_port

ROUNDS, PAGE_ROUNDS = 5, 20
SIZE = 100_000_000
ZEROS = ("/usr/bin/head", "-c", str(SIZE), "/dev/zero")
OPTIONS = {
    "commands": [
        {"id": "uname", "program": "/usr/bin/uname", "arguments": ["-s"]},
        {"id": "zeros", "program": ZEROS[0], "arguments": list(ZEROS[1:]), "output_bytes": 2 * SIZE},
    ]
}
LIE = b"\xff\xff\xff\xff"
LIARS = 50

# Types a command, and tells the milliseconds until its first output stands on the screen.
WATCH = """() => new Promise((resolve) => {
  const line = document.querySelector("[data-line]");
  const screen = document.querySelector(".xterm-rows");
  line.value = "uname";
  const begun = performance.now();
  const seen = new MutationObserver(() => {
    if (!screen.textContent.includes("Linux")) return;
    seen.disconnect();
    resolve(performance.now() - begun);
  });
  seen.observe(screen, { childList: true, subtree: true, characterData: true });
  line.form.requestSubmit();
})"""


def commands(product: Product, long: bool) -> list[Figure]:
    product.manage("remote_commands", "on")
    server = product.running(kind="command", name="bench-commands", port=free_port(), options=OPTIONS)
    return [*_lies(product, server), *asyncio.run(_bulk(product, server)), *asyncio.run(_page(product))]


async def _bulk(product: Product, server: dict[str, Any]) -> list[Figure]:
    """Ours and a bare pipe in turns."""
    raw = bytes.fromhex((product.directory / "keys" / "panel.key").read_text())
    key = bytes.fromhex(product.ask("GET", "/servers/bench-commands/key")["public"])
    target = Target("127.0.0.1", server["port"], key)
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(await _rate(target, Ed25519PrivateKey.from_private_bytes(raw)))
        bare.append(_bare_rate())
    peak = _kilobytes(server["pid"], "VmHWM") / 1000
    return [
        at_least(
            "remote command: 100 MB of output through the protocol, median of 5", statistics.median(ours), "MB/s", 50
        ),
        Figure("the same through a bare pipe (the limit)", statistics.median(bare), "MB/s"),
        at_most("its worker: most memory it ever had", peak, "MB", 64),
    ]


async def _rate(target: Target, private: Ed25519PrivateKey) -> float:
    began, size = time.perf_counter(), 0
    async with connect(target, private) as session, session.run(argv=["zeros"]) as running:
        async for event in running:
            if isinstance(event, Output):
                size += len(event.data)
            if isinstance(event, Exit) and (event.code, size) != (0, SIZE):
                raise RuntimeError(f"{size} bytes came of {SIZE}: {event}")
    return SIZE / 1e6 / (time.perf_counter() - began)


def _bare_rate() -> float:
    began, size = time.perf_counter(), 0
    with subprocess.Popen(ZEROS, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while data := child.stdout.read1(65_536):  # type: ignore[attr-defined]  # a BufferedReader
            size += len(data)
    return size / 1e6 / (time.perf_counter() - began)


def _lies(product: Product, server: dict[str, Any]) -> list[Figure]:
    """Connections that announce 4 GiB each, one after the other: how much the worker has grown by at its most."""
    _told_a_lie(server["port"])  # what is loaded at the first stranger is not counted
    before = _kilobytes(server["pid"], "VmHWM")
    for _ in range(LIARS):
        _told_a_lie(server["port"])
    grown = (_kilobytes(server["pid"], "VmHWM") - before) / 1000
    return [at_most(f"a length of ff ff ff ff, {LIARS} times: the worker's memory grew by", grown, "MB", 2)]


def _told_a_lie(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as liar:
        liar.sendall(LIE + bytes(1024))
        while liar.recv(4096):
            pass


async def _page(product: Product) -> list[Figure]:
    async with signed_in(product) as page:
        await page.goto(f"{product.base}/commands/?server=bench-commands")
        times = [await _first_byte(page, number) for number in range(1, PAGE_ROUNDS + 1)]
    what = f"from Enter to the first byte on the page, uname, {PAGE_ROUNDS} times"
    return [
        at_most(f"{what}: median", statistics.median(times), "ms", 150),
        Figure(f"{what}: longest", max(times), "ms"),
    ]


async def _first_byte(page: Page, number: int) -> float:
    """On an empty screen, and at rest again afterwards."""
    await page.get_by_role("button", name="Clear").first.click()
    await expect(page.locator(".xterm-rows").first).not_to_contain_text("Linux")
    took = float(await page.evaluate(WATCH))
    await expect(page.locator("[data-past] tbody tr")).to_have_count(number)
    return took


def _kilobytes(pid: int, name: str) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(f"{name}:"))
