"""10,000 connections on one server, most of them silent, 1,000 messages a second over all of them."""

import resource

from tests.benchmarks.figures import Figure, at_least, at_most, exactly
from tests.benchmarks.processes import most_megabytes
from tests.benchmarks.product import Product, free_port, until
from tests.benchmarks.programs import loadgen

CONNECTIONS, RATE = 10_000, 1_000
SECONDS, LONG_SECONDS = 20, 600
ROOM = 500  # descriptors besides the connections


def hold(product: Product, long: bool) -> list[Figure]:
    seconds, name = LONG_SECONDS if long else SECONDS, "bench-hold"
    _raise_file_limit()
    server = product.running(preset="echo", name=name, port=free_port(), limits={"connections": CONNECTIONS + ROOM})
    told = loadgen("hold", server["port"], CONNECTIONS, seconds, RATE)
    until(lambda: product.counters(name)["sent_stored"] >= told["sent"], 60)
    counted, memory = product.counters(name), most_megabytes(server["pid"])
    product.ask("DELETE", f"/servers/{name}")
    what = f"{CONNECTIONS:,} TCP connections held for {seconds} s, {RATE:,} echoes a second over them"
    return [
        exactly(f"{what}: of them closed on us", told["closed"], 0),
        Figure("opened within", told["opened_in"], "s"),
        at_least("echoes", told["answers"], "", told["sent"], f"all {told['sent']:,}"),
        exactly("echoes stored, in both directions", counted["stored"] + counted["sent_stored"], 2 * told["sent"]),
        Figure("echo: median", told["p50_us"] / 1000, "ms"),
        at_most("echo: 99th percentile", told["p99_us"] / 1000, "ms", 50),
        at_most("its worker: most memory it ever had", memory, "MB", 256),
    ]


def _raise_file_limit() -> None:
    """loadgen inherits it. Raises RuntimeError where the machine does not let it have so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CONNECTIONS + ROOM:
        raise RuntimeError(f"A process may open {hard:,} files here: {CONNECTIONS + ROOM:,} are needed (ulimit -Hn).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CONNECTIONS + ROOM), hard))
