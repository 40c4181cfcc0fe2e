"""A measured number, what it is held against, and the machine it was measured on.

at_least("echo: of bare C", 0.46, "×", 0.35)
at_most("p99", 12.0, "ms", 50)
"""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Figure:
    """One row of a table. `goal` is text, for it says more than a bound; `is_met` is None where there is none to meet."""

    what: str
    value: float | str
    unit: str = ""
    goal: str = ""
    is_met: bool | None = None

    @property
    def shown(self) -> str:
        return f"{number(self.value)} {self.unit}".strip()

    @property
    def verdict(self) -> str:
        return "" if self.is_met is None else "yes" if self.is_met else "**no**"


def number(value: float | str) -> str:
    """A text as it is, a number with as many digits as matter."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def at_least(what: str, value: float, unit: str, bound: float, goal: str = "") -> Figure:
    return Figure(what, value, unit, goal or f"≥ {number(bound)}", value >= bound)


def at_most(what: str, value: float, unit: str, bound: float, goal: str = "") -> Figure:
    return Figure(what, value, unit, goal or f"≤ {number(bound)}", value <= bound)


def exactly(what: str, value: float, bound: float, goal: str = "") -> Figure:
    return Figure(what, value, "", goal or number(bound), value == bound)


def machine() -> str:
    """The machine in one line."""
    with open("/proc/meminfo") as memory:
        gigabytes = int(memory.readline().split()[1]) / 1_048_576
    return (
        f"{os.cpu_count()} cores, {gigabytes:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def table(figures: list[Figure]) -> str:
    """Markdown."""
    rows = [f"| {one.what} | {one.shown} | {one.goal} | {one.verdict} |" for one in figures]
    return "\n".join(["| what | measured | to reach | reached |", "|---|---|---|---|", *rows])
