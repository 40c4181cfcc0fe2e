"""Who waits is woken, and nobody else."""

import asyncio

from services.bus.readers import Readers
from tests.waiting import deadline


async def waiting(readers, *channels):
    tasks = [asyncio.ensure_future(readers.wait(channel)) for channel in channels]
    await asyncio.sleep(0)
    return tasks


async def test_a_message_wakes_the_readers_of_its_channel_and_of_its_prefix():
    readers = Readers()
    whole, prefix, other = await waiting(readers, "a!1", "a!", "a!2")
    readers.wake("a!1")
    async with deadline():
        await asyncio.gather(whole, prefix)
    assert not other.done()
    readers.wake_all()
    await other


async def test_one_that_gave_up_is_forgotten():
    readers = Readers()
    (gone,) = await waiting(readers, "a!1")
    gone.cancel()
    await asyncio.wait({gone})
    readers.wake("a!1")
    assert readers._waiting == {}
