"""What the tests of the bus share: a directory, layers on it, and a second process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.bus import LocalChannelLayer
from tests.services.bus.neighbour import Neighbour


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the bus of a test lives."""
    return tmp_path / "bus"


@pytest.fixture
def make_layer(directory: Path) -> Callable[..., LocalChannelLayer]:
    """Layers on the same directory, each as if in a process of its own."""
    return lambda **configuration: LocalChannelLayer(directory, **configuration)


@pytest.fixture
async def layer(directory: Path) -> AsyncIterator[LocalChannelLayer]:
    """A layer with room for three messages in a channel."""
    layer = LocalChannelLayer(directory, capacity=3)
    yield layer
    await layer.close()


@pytest.fixture
async def neighbour(directory: Path) -> AsyncIterator[Neighbour]:
    """The same in a second process."""
    async with Neighbour(directory, capacity=3) as neighbour:
        yield neighbour


@pytest.fixture
def silence() -> Callable[[Awaitable[Any]], Awaitable[None]]:
    """Asserts that nothing comes within a tenth of a second."""

    async def nothing(waited: Awaitable[Any]) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await waited

    return nothing
