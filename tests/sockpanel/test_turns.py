"""Requests take turns."""

import asyncio
from typing import Any

import pytest

from sockpanel.turns import Turns


class Work:
    """An application that begins to answer, and ends, when it is told."""

    def __init__(self, turns: Turns) -> None:
        self.begun, self.begin, self.end = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.sent: list[Any] = []
        self.is_wanted = True
        self.task = asyncio.create_task(turns.take(self._run, self._send, lambda: self.is_wanted))

    async def _run(self, send: Any) -> None:
        self.begun.set()
        await self.begin.wait()
        await send({"type": "http.response.start"})
        await self.end.wait()
        await send({"type": "http.response.body"})

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def rests(self) -> bool:
        for _ in range(5):
            await asyncio.sleep(0)
        return not self.begun.is_set()


async def test_only_so_many_are_worked_on_and_the_next_begins_when_an_answer_does() -> None:
    turns = Turns(1)
    first, second = Work(turns), Work(turns)
    assert await second.rests()
    first.begin.set()
    async with asyncio.timeout(5):
        await second.begun.wait()
    first.end.set()
    await first.task
    assert [message["type"] for message in first.sent] == ["http.response.start", "http.response.body"]
    third = Work(turns)
    assert await third.rests()  # the turn of the first was given on once
    for work in (second, third):
        work.task.cancel()


async def test_who_fails_or_has_left_gives_the_turn_on() -> None:
    turns = Turns(1)
    first, second, third = Work(turns), Work(turns), Work(turns)
    second.is_wanted = False
    await asyncio.sleep(0)
    first.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first.task
    async with asyncio.timeout(5):
        await third.begun.wait()
    assert not second.begun.is_set()
    third.task.cancel()
