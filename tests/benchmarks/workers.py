"""Workers: how soon one serves and what it weighs, how soon fifty do, and what a SIGKILL costs the clients."""

import itertools
import os
import signal
import socket
import statistics
import threading
import time
from datetime import datetime

from tests.benchmarks.figures import Figure
from tests.benchmarks.product import Product, free_port, free_ports, until

MANY = 50
KILLS = 5
STEADY = 2.5  # seconds: a run of 2 s or more does not count as a crash at the start
EVERY = 0.005  # seconds between two connects


def start(product: Product) -> list[Figure]:
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
    private = _private_megabytes(pid)
    product.ask("DELETE", f"/servers/{name}")
    return [
        Figure("worker: from its start to listening, median of 10", statistics.median(took), "ms", "150"),
        Figure("worker: private memory, idle", private, "MB", "20"),
    ]


def _private_megabytes(pid: int) -> float:
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_")) / 1000


def many(product: Product) -> list[Figure]:
    """Fifty servers, started by one bulk action of the page's own kind: one request a server, all at once."""
    names = [f"many-{number}" for number in range(MANY)]
    for name, port in zip(names, free_ports(MANY), strict=True):
        product.ask("POST", "/servers", {"preset": "echo", "name": name, "port": port})
    began = time.monotonic()
    threads = [threading.Thread(target=product.ask, args=("POST", f"/servers/{name}/start")) for name in names]
    for thread in threads:
        thread.start()
    until(lambda: _running(product, names) == MANY, 60)
    took = time.monotonic() - began
    for thread in threads:
        thread.join()
    for name in names:
        product.ask("DELETE", f"/servers/{name}")
    return [Figure(f"{MANY} servers started together: all RUNNING", took, "s", "10")]


def _running(product: Product, names: list[str]) -> int:
    servers = product.ask("GET", "/servers")["servers"]
    return sum(server["state"] == "RUNNING" for server in servers if server["name"] in names)


class Caller:
    """A client that connects every 5 ms, sends a byte, and notes when it was answered."""

    def __init__(self, port: int) -> None:
        self.port, self.refused = port, 0
        self.answered: list[float] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clock = threading.Thread(target=self._run)

    def __enter__(self) -> "Caller":
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._clock.join()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            thread = threading.Thread(target=self._call)
            thread.start()
            self._threads.append(thread)

    def _call(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"x")
                if client.recv(1):
                    self.answered.append(time.monotonic())
        except ConnectionRefusedError:
            self.refused += 1
        except OSError:
            return  # reset with its worker: established, so neither refused nor answered


def kill(product: Product) -> list[Figure]:
    """A worker killed five times while a client connects every 5 ms."""
    name, gaps = "bench-kill", []
    server = product.running(preset="echo", name=name, port=free_port())
    with Caller(server["port"]) as caller:
        for _ in range(KILLS):
            pid = until(lambda: _pid(product, name), 10)
            until(lambda: _served(product, name) > STEADY, 10)  # restarted at once: the common case
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            until(lambda: _pid(product, name) not in (pid, None), 10)  # noqa: B023 - asked now
            until(lambda: caller.answered and caller.answered[-1] > killed + 0.05, 10)  # noqa: B023 - asked now
            gaps.append(_gap(caller.answered, killed))
    product.ask("DELETE", f"/servers/{name}")
    return [
        Figure(f"worker killed {KILLS} times: longest until it serves again", max(gaps), "s", "1"),
        Figure("worker killed: connects refused", caller.refused, "", "0"),
    ]


def _pid(product: Product, name: str) -> int | None:
    server = product.ask("GET", f"/servers/{name}")
    return server["pid"] if server["state"] == "RUNNING" else None


def _served(product: Product, name: str) -> float:
    """For how many seconds it has been RUNNING."""
    return time.time() - datetime.fromisoformat(product.ask("GET", f"/servers/{name}")["since"]).timestamp()


def _gap(answered: list[float], killed: float) -> float:
    """The longest silence that begins around the kill."""
    times = sorted(at for at in answered if at > killed - 0.5)
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=float("inf"))
