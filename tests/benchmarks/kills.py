"""kill -9 of a worker, of the supervisor and of the panel, while clients call all the time: how long nobody is answered.

The server answers only what is committed, so that an answer means that everything works again.
"""

import itertools
import os
import signal
import socket
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.figures import Figure, at_most, exactly
from tests.benchmarks.processes import named
from tests.benchmarks.product import Product, free_port, until

NAME = "bench-kill"
STEADY = 2.5  # seconds: a run of 2 s or more does not count as a crash at the start
EVERY = 0.01  # seconds between two calls
PATIENCE = 20.0
KILLS = {"worker": (5, 1), "supervise": (5, 3), "web": (5, 5)}  # so many, and within how many seconds it serves again
TITLES = {"worker": "worker", "supervise": "supervisor", "web": "panel"}
BYTE, PAGE = b"x", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Caller:
    """A client that connects every 10 ms, asks, and notes when it was answered."""

    def __init__(self, port: int, question: bytes) -> None:
        self.port, self.question, self.refused = port, question, 0
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
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]

    def _call(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
                client.sendall(self.question)
                if client.recv(1):
                    self.answered.append(time.monotonic())
        except ConnectionRefusedError:
            self.refused += 1
        except OSError:
            return  # reset with whom it had reached: established, so neither refused nor answered


def kill(product: Product, long: bool) -> list[Figure]:
    server = product.running(preset="echo", name=NAME, port=free_port(), limits={"reply_after_commit": True})
    figures = []
    for victim, (times, bound) in KILLS.items():
        port, question = (product.port, PAGE) if victim == "web" else (server["port"], BYTE)
        with Caller(port, question) as caller:
            gaps = [_killed(product, victim, caller) for _ in range(times)]
        what = f"{TITLES[victim]} killed {times} times"
        figures += [
            at_most(f"{what}: longest until it serves again", max(gaps), "s", bound),
            Figure("median", statistics.median(gaps), "s"),
            _refused(victim, caller.refused),
        ]
    product.ask("DELETE", f"/servers/{NAME}")
    return figures


def _refused(victim: str, count: int) -> Figure:
    """The supervisor holds the workers' sockets and `up` the panel's: theirs alone close with who listens."""
    what = "connects refused meanwhile"
    return Figure(what, count) if victim == "supervise" else exactly(what, count, 0)


def _killed(product: Product, victim: str, caller: Caller) -> float:
    """The longest silence that begins around the kill."""
    find = _finder(product, victim)
    before = until(lambda: find(), PATIENCE)
    time.sleep(STEADY)
    killed = time.monotonic()
    os.kill(before, signal.SIGKILL)
    until(lambda: find() not in (before, None), PATIENCE)
    until(lambda: caller.answered and caller.answered[-1] > max(killed + 0.2, time.monotonic() - 0.1), PATIENCE)
    times = sorted(at for at in caller.answered if at > killed - 0.5)
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def _finder(product: Product, victim: str) -> Callable[[], Any]:
    if victim == "worker":
        return lambda: _pid(product)
    return lambda: _child(product, victim)


def _pid(product: Product) -> int | None:
    server = product.ask("GET", f"/servers/{NAME}")
    return server["pid"] if server["state"] == "RUNNING" else None


def _child(product: Product, command: str) -> int | None:
    try:
        return named(product, command)
    except StopIteration:
        return None
