"""A long history: how soon a page of it is there, and how long a write waits while half of it is pruned."""

import socket
import statistics
import sys
import time

from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.product import Product, free_port, until
from tests.benchmarks.programs import loadgen, loading

STORED, LONG_STORED = 1_000_000, 10_000_000
CONNECTIONS, SIZE = 100, 64
BURST = 100  # messages of one connection before the next one's: their rows lie among each other
ROUNDS, PAGE = 20, 100
WRITES, CLIENTS = 5_000, 50  # echoes a second, each answered once it is committed
NAME = "bench-history"
FIXED = {"type": "fixed", "size": SIZE}


def history(product: Product, long: bool) -> list[Figure]:
    rows = LONG_STORED if long else STORED
    server = product.running(
        kind="tcp", name=NAME, port=free_port(), framing=FIXED, retention={"rows": 10 * LONG_STORED}
    )
    filled = _fill(product, server["port"], rows)
    return [
        Figure(f"history: {rows:,} messages of {SIZE} bytes over {CONNECTIONS} connections stored", filled, "/s"),
        *_pages(product, rows),
        *_prune(product, rows),
    ]


def _fill(product: Product, port: int, rows: int) -> float:
    """Rows a second. The first connection says a word, and is silent until all is over."""
    began, block = time.monotonic(), b"a" * SIZE * BURST
    quiet, *clients = (socket.create_connection(("127.0.0.1", port), 10) for _ in range(CONNECTIONS + 1))
    quiet.sendall(bytes(SIZE))
    until(lambda: product.counters(NAME)["stored"] == 1, 10)
    for number in range(rows // BURST):
        clients[number % CONNECTIONS].sendall(block)
    until(lambda: product.counters(NAME)["stored"] == rows + 1, 600)
    took = time.monotonic() - began
    for client in (quiet, *clients):
        client.close()
    until(lambda: not _open(product), 10)
    return rows / took


def _open(product: Product) -> bool:
    return bool(product.ask("GET", f"/servers/{NAME}/connections?open=true")["connections"])


def _pages(product: Product, rows: int) -> list[Figure]:
    pages = {
        "first": ("after=0", PAGE),
        "middle": (f"after={rows // 2}", PAGE),
        "last": ("", PAGE),
        "of one connection, last": (f"connection={CONNECTIONS // 2}", PAGE),
        "of one connection, from the middle": (f"connection={CONNECTIONS // 2}&after={rows // 2}", PAGE),
        "incoming, backwards from the middle": (f"direction=in&before={rows // 2}", PAGE),
        "of a connection that was open all the time and said one word": ("connection=1", 1),
    }
    what = f"a page of {PAGE} of {rows:,} messages over HTTP, median of {ROUNDS}"
    return [
        at_most(f"{what}: {title}", statistics.median(_times(product, *page)), "ms", 50)
        for title, page in pages.items()
    ]


def _times(product: Product, query: str, count: int) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        page = product.ask("GET", f"/servers/{NAME}/messages?limit={PAGE}&{query}")
        times.append((time.perf_counter() - began) * 1000)
        if len(page["messages"]) != count:
            raise RuntimeError(f"A page of {len(page['messages'])} messages for {query}.")
    return times


def _prune(product: Product, rows: int) -> list[Figure]:
    """Of the same server that writes."""
    product.ask("POST", f"/servers/{NAME}/stop")
    change = {"reply": {"type": "echo"}, "limits": {"reply_after_commit": True}}
    product.ask("PATCH", f"/servers/{NAME}", change)
    port = int(product.ask("POST", f"/servers/{NAME}/start")["port"])
    calm = loadgen("hold", port, CLIENTS, 3, WRITES)
    with loading("hold", port, CLIENTS, WRITES) as told:
        time.sleep(1)
        began = time.monotonic()
        _ask_for_it(product, rows // 2)
        until(lambda: _first(product) > rows // 2, 600)
        took = time.monotonic() - began
        time.sleep(1)
    product.ask("DELETE", f"/servers/{NAME}")
    what = f"pruning half of {rows:,} messages while {WRITES:,} a second are echoed once committed"
    return [
        Figure(f"{what}: took", took, "s"),
        Figure("echoes meanwhile", told["per_second"], "/s"),
        at_most("longest wait of a write, from its sending to its commit", told["max_us"] / 1000, "ms", 250),
        Figure("its 99th percentile", told["p99_us"] / 1000, "ms"),
        Figure("longest wait of a write in 3 s without pruning", calm["max_us"] / 1000, "ms"),
    ]


def _ask_for_it(product: Product, keep: int) -> None:
    """What takes longer than its answer may goes on all the same."""
    try:
        product.ask("POST", f"/servers/{NAME}/prune", {"keep": keep})
    except (RuntimeError, TimeoutError) as error:
        print(f"  {error}", file=sys.stderr)


def _first(product: Product) -> int:
    """The number of the oldest message that is kept."""
    [(first,)] = product.rows("SELECT min(seq) FROM services_message")
    return int(first)
