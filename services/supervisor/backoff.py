"""When a server that died is started again, and when no more. Pure arithmetic: the caller brings the time (monotonic seconds).

backoff = Backoff(Timings())
backoff.delay(steady=False, now=0.0)  # about 0.2, then 0.4, 0.8 ...; None: give up
"""

import random
from collections import deque
from collections.abc import Callable

from services.supervisor.timings import Timings

_MAX_DOUBLINGS = 30


class Backoff:
    """The restarts of one server."""

    def __init__(self, timings: Timings, chance: Callable[[], float] = random.random) -> None:
        self._timings = timings
        self._chance = chance
        self._short_runs = 0
        self._starts: deque[float] = deque(maxlen=timings.starts)

    def delay(self, *, steady: bool, now: float) -> float | None:
        """Seconds until the next start of a server whose run ended at `now`; None when it was started too often.

        A `steady` run ends the doubling, and its restart counts towards no bound.
        """
        if steady:
            self._short_runs = 0
            return 0.0
        if self._exhausted(now):
            return None
        delay = self._timings.first_delay * 2.0 ** min(self._short_runs, _MAX_DOUBLINGS)
        self._short_runs += 1
        return min(delay, self._timings.longest_delay) * (1 + self._timings.jitter * (2 * self._chance() - 1))

    def started(self, now: float) -> None:
        """An automatic start after a run that was not steady."""
        self._starts.append(now)

    def reset(self) -> None:
        """A person asked for the start: bounds are for automatic ones."""
        self._short_runs = 0
        self._starts.clear()

    def _exhausted(self, now: float) -> bool:
        return len(self._starts) == self._timings.starts and now - self._starts[0] <= self._timings.window


class Budget:
    """The automatic restarts of all servers together: a storm of crashes must not take the machine.

    A restart is promised to a server first, and counts from when it happens: others may stand before it at the gate.
    """

    def __init__(self, timings: Timings) -> None:
        self._window = timings.window
        self._most = timings.starts_in_all
        self._promised: set[int] = set()
        self._starts: deque[float] = deque(maxlen=timings.starts_in_all)

    def take(self, name: int, now: float) -> float:
        """0.0 and a start is promised to `name`; else the seconds until one may be had at the earliest."""
        while self._starts and now >= self._starts[0] + self._window:
            self._starts.popleft()
        if len(self._starts) + len(self._promised) < self._most:
            self._promised.add(name)
            return 0.0
        return self._starts[0] + self._window - now if self._starts else self._window

    def started(self, name: int, now: float) -> None:
        """What was promised to `name`, if anything was, happens now."""
        if name in self._promised:
            self._promised.discard(name)
            self._starts.append(now)

    def give_back(self, name: int) -> None:
        """What was promised to `name`, if anything was, will not happen."""
        self._promised.discard(name)
