"""A measured number, what it is held against, and the machine it was measured on."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Figure:
    """One row of the table; `goal` is text, for it says more than a bound."""

    what: str
    value: float
    unit: str
    goal: str

    @property
    def shown(self) -> str:
        value = f"{self.value:,.0f}" if self.value >= 100 or self.value == int(self.value) else f"{self.value:.2f}"
        return f"{value} {self.unit}".strip()


def machine() -> str:
    """The machine in one line."""
    with open("/proc/meminfo") as memory:
        gigabytes = int(memory.readline().split()[1]) / 1_048_576
    return (
        f"{os.cpu_count()} cores, {gigabytes:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )


def table(figures: list[Figure]) -> str:
    """Markdown."""
    rows = [f"| {figure.what} | {figure.shown} | {figure.goal} |" for figure in figures]
    return "\n".join(["| what | measured | to reach |", "|---|---|---|", *rows])
