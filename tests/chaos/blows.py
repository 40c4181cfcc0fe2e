"""What is struck, by which signal and when: drawn from a seed, so that a run that found something can be had again.

CHAOS_SEED=1234 pytest tests/chaos      # the seed that a failure has printed; without it every run has a new one

It strikes nobody.
"""

import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass

LONG = bool(os.environ.get("LONG_TESTS"))
WORKER, SUPERVISOR, WEB, NURSERY = "worker", "supervisor", "web", "nursery"
WEIGHTS = {WORKER: 5, SUPERVISOR: 2, WEB: 2, NURSERY: 1}
LATEST = 0.7  # seconds: a moment between two commits, two batches, two heartbeats


@dataclass(frozen=True)
class Blow:
    """One victim, one signal, one moment."""

    victim: str
    which: int  # of the workers, in the order of their servers' names
    signal: signal.Signals
    after: float  # seconds after everything was well

    def __str__(self) -> str:
        return f"{self.signal.name} to {self.victim} {self.which} after {self.after:.3f} s"


def seed() -> int:
    """The seed of this run, printed: pytest shows it with a failure."""
    number = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**9))
    print(f"CHAOS_SEED={number}")
    return number


def drawn(chance: random.Random, count: int, workers: int, signals: tuple[signal.Signals, ...]) -> Iterator[Blow]:
    """So many blows; every kind of victim is among the first ten of them, and the next."""
    bag: list[str] = []
    for _ in range(count):
        if not bag:
            bag = [victim for victim, weight in WEIGHTS.items() for _ in range(weight)]
            chance.shuffle(bag)
        yield Blow(bag.pop(), chance.randrange(workers), chance.choice(signals), chance.uniform(0, LATEST))
