"""The way out of one socket."""

import asyncio
from typing import Any

from sockpanel.live.outlet import Outlet


class Sent:
    """An ASGI `send` that may be held up."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, event: dict[str, Any]) -> None:
        await self.open.wait()
        self.events.append(event.get("text", event.get("code")))


async def test_frames_leave_in_order_and_the_close_comes_last() -> None:
    outlet, sent = Outlet(), Sent()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(outlet.drain(sent))
        for text in ("a", "b", "c"):
            outlet.put(text)
        await asyncio.sleep(0)
        outlet.close(4503)
    assert sent.events == ["a", "b", "c", 4503]


async def test_nothing_is_said_after_a_close_but_its_last_words() -> None:
    outlet, sent = Outlet(), Sent()
    sent.open.clear()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(outlet.drain(sent))
        outlet.put("waits below")
        await asyncio.sleep(0)
        outlet.put("never")
        outlet.close(4401, "bye")
        outlet.put("never")
        outlet.close(4503)
        sent.open.set()
    assert sent.events == ["waits below", "bye", 4401]
