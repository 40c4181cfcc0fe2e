"""What the processes of a product weigh and use, by /proc."""

from pathlib import Path

import psutil

from tests.benchmarks.product import Product


def all_of(product: Product) -> list[int]:
    """Every process of it, the one that started the others first."""
    assert product.process is not None
    parent = psutil.Process(product.process.pid)
    return [parent.pid, *(child.pid for child in parent.children(recursive=True))]


def named(product: Product, command: str) -> int:
    """The process of `manage.py COMMAND`, a child of `up`. Raises StopIteration while there is none."""
    assert product.process is not None
    children = psutil.Process(product.process.pid).children()
    return next(child.pid for child in children if command in _words(child))


def _words(process: psutil.Process) -> list[str]:
    """Its command line; nothing of one that has just ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one, too
        return []


def private_megabytes(pids: list[int]) -> float:
    """Memory that they share with nobody, together."""
    return sum(_private(pid) for pid in pids) / 1000


def _private(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))


def most_megabytes(pid: int) -> float:
    """The most memory that it ever had, shared pages included."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000


def cpu_seconds(pids: list[int]) -> float:
    """On a processor so far, all threads of all of them."""
    return sum(_nanoseconds(pid) for pid in pids) / 1e9


def _nanoseconds(pid: int) -> int:
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())
