"""TCP echo of 64 bytes: ours, with every message of both directions committed, beside others that record nothing, in turns."""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmarks import rivals
from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.product import Product, free_port, until
from tests.benchmarks.programs import loadgen

ROUNDS, SECONDS, CONNECTIONS, SIZE = 5, 1.5, 50, 64
NAME = "bench-echo"
OURS = "ours, recorded"
KEEP = 1_000_000_000  # nothing is pruned meanwhile: every echo is looked for at the end


@dataclass
class Field:
    """Who takes part, and at which port."""

    ports: dict[str, int]
    absent: list[Figure]


@contextmanager
def field(product: Product, titles: list[str]) -> Iterator[Field]:
    """Ours and the rivals, all of them up."""
    server = product.running(preset="echo", name=NAME, port=free_port(), retention={"rows": KEEP})
    ports, absent = {OURS: int(server["port"])}, []
    with ExitStack() as up:
        for title in titles:
            if why := rivals.missing(title):
                print(why, file=sys.stderr, flush=True)
                absent.append(Figure(f"{title}: TCP echo", "not installed"))
            else:
                ports[title] = up.enter_context(rivals.serving(title))
        yield Field(ports, absent)


class Ledger:
    """What our server was sent and when all of it was stored."""

    def __init__(self, product: Product) -> None:
        self.product, self.sent = product, 0

    def measured(self, port: int, connections: int, seconds: float) -> dict[str, Any]:
        """What loadgen says; `committed` is the rate over the time until the last message of it was committed."""
        told = loadgen("pingpong", port, connections, seconds, SIZE)
        ended = time.monotonic()
        self.sent += told["sent"]
        until(self._is_stored, 60)
        late = time.monotonic() - ended
        return told | {"late": late, "committed": told["sent"] / (told["sent"] / told["per_second"] + late)}

    def _is_stored(self) -> bool:
        [counted] = self.product.rows("SELECT stored, sent_stored FROM services_counters")
        return counted == (self.sent, self.sent)

    def check(self) -> None:
        """Raises RuntimeError when an echo is not in the database, in both directions and with all its bytes."""
        found = self.product.rows(
            "SELECT direction, count(*), sum(length(data)) FROM services_message GROUP BY direction ORDER BY direction"
        )
        whole = [(way, self.sent, self.sent * SIZE) for way in (0, 1)]
        if found != whole:
            raise RuntimeError(f"Of {self.sent:,} echoes the database holds {found}: it should hold {whole}.")


def echo(product: Product, long: bool) -> list[Figure]:
    return beside(product, list(rivals.RIVALS), ROUNDS)


def beside(product: Product, titles: list[str], rounds: int) -> list[Figure]:
    """Ours and these, in turns."""
    rates: dict[str, list[float]] = {}
    medians: dict[str, list[float]] = {}
    ledger = Ledger(product)
    with field(product, titles) as taking_part:
        for _ in range(rounds):
            for title, port in taking_part.ports.items():
                rates.setdefault(title, []).append(_rate(ledger, title, port))
            for title in (rivals.LIMIT, OURS):
                medians.setdefault(title, []).append(_pingpong(ledger, title, taking_part.ports[title]))
    ledger.check()
    product.ask("DELETE", f"/servers/{NAME}")
    return [*_rates(rates, rounds), *taking_part.absent, *_latencies(medians), _checked(ledger)]


def _rate(ledger: Ledger, title: str, port: int) -> float:
    if title == OURS:
        told = ledger.measured(port, CONNECTIONS, SECONDS)
        print(f"  {title}: {told['per_second']:,.0f}/s, all committed {told['late']:.3f} s later", file=sys.stderr)
        return float(told["committed"])
    rate = float(loadgen("pingpong", port, CONNECTIONS, SECONDS, SIZE)["per_second"])
    print(f"  {title}: {rate:,.0f}/s", file=sys.stderr)
    return rate


def _pingpong(ledger: Ledger, title: str, port: int) -> float:
    told = ledger.measured(port, 1, 0.5) if title == OURS else loadgen("pingpong", port, 1, 0.5, SIZE)
    return float(told["p50_us"])


def _rates(rates: dict[str, list[float]], rounds: int) -> list[Figure]:
    middle = {title: statistics.median(values) for title, values in rates.items()}
    ours = middle.pop(OURS)
    what = f"TCP echo, {SIZE} bytes, {CONNECTIONS} connections, median of {rounds}"
    figures = [Figure(f"{what}: {OURS} and committed", ours, "/s")]
    for title, rate in middle.items():
        figures.append(Figure(f"{title}, {_note(title)}", rate, "/s"))
        figures.append(_ratio(title, statistics.median(_each(rates, title))))
    return figures


def _note(title: str) -> str:
    return "recorded to a file" if rivals.RIVALS[title].records else "which records nothing"


def _each(rates: dict[str, list[float]], title: str) -> list[float]:
    """Ours by theirs, round by round: what disturbs the machine disturbs both."""
    return [mine / theirs for mine, theirs in zip(rates[OURS], rates[title], strict=True)]


def _ratio(title: str, ratio: float) -> Figure:
    what = f"ours, recorded, by {title}"
    if title == rivals.LIMIT:
        return at_least(what, ratio, "×", 0.35, "≥ 0.35, better 0.5")
    if title in ("socat", "ncat", "Twisted"):
        return at_least(what, ratio, "×", 1)
    if title == rivals.RECORDER:
        return at_least(what, ratio, "×", 30)
    return Figure(what, ratio, "×")


def _latencies(medians: dict[str, list[float]]) -> list[Figure]:
    ours, limit = (statistics.median(medians[title]) for title in (OURS, rivals.LIMIT))
    ratio = statistics.median(_each(medians, rivals.LIMIT))
    return [
        Figure("one connection, ping-pong: median of ours, recorded", ours, "µs"),
        Figure(f"the same of {rivals.LIMIT}", limit, "µs"),
        at_most("ours by the limit", ratio, "×", 3),
    ]


def _checked(ledger: Ledger) -> Figure:
    return Figure("echoes found in the database, in both directions, of as many", ledger.sent, "", "all", True)
