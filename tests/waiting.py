"""Waiting for the thing, not for a while: a probe is asked again until it says yes, or the deadline is over.

eventually(lambda: page.count() == 3)
row = await eventually_async(lambda: rows.get("echo"), within=5)
async with deadline(2):
    await process.wait()
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.005  # seconds between two questions


def eventually(probe: Callable[[], T], within: float = 10.0) -> T:
    """The first true answer of `probe`. Fails with its last answer after `within` seconds."""
    end = time.monotonic() + within
    while not (answer := probe()):
        _hold(end, within, answer)
        time.sleep(PAUSE)
    return answer


async def eventually_async(probe: Callable[[], T | Awaitable[T]], within: float = 10.0) -> T:
    """The same without holding up the loop; `probe` may be a coroutine function."""
    end = time.monotonic() + within
    while True:
        answer = probe()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        _hold(end, within, answer)
        await asyncio.sleep(PAUSE)


def deadline(within: float = 10.0) -> asyncio.Timeout:
    """An async `with` that raises TimeoutError when its block takes longer."""
    return asyncio.timeout(within)


def _hold(end: float, within: float, answer: object) -> None:
    if time.monotonic() >= end:
        raise AssertionError(f"not within {within:g} s; the last answer was {answer!r}")
