"""UDP: datagrams of 64 bytes into a recording sink, counted on both ends, beside a bare loop that stores nothing."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, exactly
from tests.benchmarks.product import Product, free_port, until
from tests.benchmarks.programs import loadgen

STEADY, FLOOD = (100_000, 30), (200_000, 5)  # a second, for so many seconds
SIZE = 64
NAME = "bench-udp"
BARE = Path(__file__).with_name("peers") / "udp_sink.py"


def udp(product: Product, long: bool) -> list[Figure]:
    """Under the default retention, so that as much is pruned as is stored."""
    server = product.running(preset="sink", name=NAME, port=free_port(socket.SOCK_DGRAM))
    figures, before = [], product.counters(NAME)
    for rate, seconds in (STEADY, FLOOD):
        sent = int(loadgen("blast", server["port"], rate, seconds, SIZE)["sent"])
        after = until(lambda: _settled(product, before["received"] + sent), 60)  # noqa: B023 - asked now
        figures += _figures((rate, seconds), sent, before, after)
        before = after
    product.ask("DELETE", f"/servers/{NAME}")
    return [*figures, *_bare()]


def _settled(product: Product, received: int) -> dict[str, Any] | None:
    """The counters once everything that came is stored or dropped."""
    counted = product.counters(NAME)
    whole = counted["stored"] + sum(counted["dropped"].values())
    return counted if counted["received"] >= received and whole == counted["received"] else None


def _figures(load: tuple[int, int], sent: int, before: dict[str, Any], after: dict[str, Any]) -> list[Figure]:
    received, stored = after["received"] - before["received"], after["stored"] - before["stored"]
    dropped = sum(after["dropped"].values()) - sum(before["dropped"].values())
    rate, seconds = load
    what = f"UDP: {rate:,} datagrams/s of {SIZE} bytes for {seconds} s"
    lost = Figure("dropped, and counted", dropped)
    return [
        Figure(f"{what}: sent", sent, "", f"{rate * seconds:,}"),
        exactly("received", received, sent, "as many as sent"),
        exactly("dropped", dropped, 0) if load == STEADY else lost,
        exactly("received less stored less dropped", received - stored - dropped, 0),
    ]


def _bare() -> list[Figure]:
    rate, seconds = FLOOD
    with subprocess.Popen([sys.executable, BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        assert bare.stdout is not None
        port = int(bare.stdout.readline())
        sent = int(loadgen("blast", port, rate, seconds, SIZE)["sent"])
        received = int(bare.communicate("\n", 30)[0])
    what = f"UDP, {rate:,} datagrams/s for {seconds} s into a bare Python recv loop that stores nothing"
    return [Figure(f"{what}: lost, uncounted", sent - received)]
