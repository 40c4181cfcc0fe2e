"""One worker: how soon it serves, and what it weighs."""

import statistics
from datetime import datetime

from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.processes import private_megabytes
from tests.benchmarks.product import Product, free_port


def start(product: Product, long: bool) -> list[Figure]:
    """One worker, started ten times."""
    name = "bench-start"
    product.running(preset="echo", name=name, port=free_port())
    took = []
    for _ in range(10):
        product.ask("POST", f"/servers/{name}/restart")
        run = product.ask("GET", f"/servers/{name}/runs")["runs"][0]
        began, ready = (datetime.fromisoformat(run[key]) for key in ("started_at", "ready_at"))
        took.append((ready - began).total_seconds() * 1000)
    pid = product.ask("GET", f"/servers/{name}")["pid"]
    private = private_megabytes([pid])
    product.ask("DELETE", f"/servers/{name}")
    return [
        at_most("worker: from its start to listening, median of 10", statistics.median(took), "ms", 150),
        at_most("worker: private memory, idle", private, "MB", 20),
    ]
