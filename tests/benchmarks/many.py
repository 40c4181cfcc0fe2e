"""A hundred servers: how soon one command has them all running, and what they weigh and use while nobody calls."""

import time

from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.processes import all_of, cpu_seconds, private_megabytes
from tests.benchmarks.product import Product, free_ports, until

MANY = 100
IDLE = 10  # seconds
CALM = 0.2  # seconds of processor in a second: what was started has settled


def many(product: Product, long: bool) -> list[Figure]:
    for number, port in enumerate(free_ports(MANY)):
        product.ask("POST", "/servers", {"preset": "echo", "name": f"many-{number}", "port": port})
    began = time.monotonic()
    product.manage("servers", "start", "--all")
    until(lambda: _running(product) == MANY, 60)
    took = time.monotonic() - began
    _until_calm(product)
    pids = all_of(product)
    private, used = private_megabytes(pids), _used(product, IDLE)
    what = f"{MANY} servers, started by one command"
    return [
        at_most(f"{what}: from the command to all RUNNING", took, "s", 10),
        at_most(f"private memory of all {len(pids)} processes, panel included", private, "MB", 2000),
        at_most(f"processor while idle for {IDLE} s, all processes, of one core", used * 100, "%", 2),
    ]


def _running(product: Product) -> int:
    return sum(server["state"] == "RUNNING" for server in product.ask("GET", "/servers")["servers"])


def _until_calm(product: Product) -> None:
    until(lambda: _used(product, 1) < CALM, 30)


def _used(product: Product, seconds: float) -> float:
    """The share of one core that all its processes took."""
    before = cpu_seconds(all_of(product))
    time.sleep(seconds)
    return (cpu_seconds(all_of(product)) - before) / seconds
