"""A link leads somebody's browser to a managed server on the panel's host: the key it hands over is stored nowhere, and is over."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Served, Surf
from tests.sockpanel.panel import Panel
from tests.waiting import eventually_async

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("echo", {"framing": {"type": "none"}, "reply": {"type": "echo"}}),
    ("echo", {"framing": {"type": "line"}, "reply": {"type": "upper"}}),
    ("echo", {"framing": {"type": "fixed", "size": 16}, "reply": {"type": "suffix", "text": "!"}}),
    ("echo", {"framing": {"type": "length", "size": 4}, "reply": {"type": "echo"}}),
    ("time", {"transport": "tcp"}),
    ("command-ready", {}),
]


@pytest.fixture
def commands(panel: Panel) -> Iterator[None]:
    """Remote commands are on meanwhile."""
    assert panel.manage("remote_commands", "on").returncode == 0
    yield
    panel.manage("remote_commands", "off")


async def test_a_browser_sent_to_any_server_loses_its_session_and_nobody_finds_the_key(
    surf: Surf, served: Callable[..., Served], panel: Panel, commands: None
) -> None:
    servers = [served(preset, **words) for preset, words in KINDS]
    frames: list[bytes] = []
    watching = await surf(servers[0].path, own_session=True)
    _overhear(watching, frames)
    await watching.reload()
    keys = [await _sent_to(server, surf) for server in servers]
    assert frames
    for key in keys:
        places = {"the log": panel.log().encode(), "a frame": b"".join(frames), **_files(panel)}
        assert [name for name, held in places.items() if key in held.lower()] == []


async def _sent_to(server: Served, surf: Surf) -> bytes:
    """The key of a session whose browser followed a link to the server, after the person has read why it is over."""
    page = await surf("/servers/", own_session=True)
    [key] = [one["value"] for one in await page.context.cookies() if one["name"].startswith("sp_")]
    await page.evaluate(f"location.href = 'http://127.0.0.1:{server.port}/'")
    await _until_told(server)
    other = await page.context.new_page()
    await other.goto("/servers/")
    await expect(other.get_by_role("alert")).to_contain_text(f"sent its key to the server {server.name}")
    return key.encode()


async def _until_told(server: Served) -> None:
    """Until the server's incidents say that a session has ended."""
    visitor = server.panel.visitor()
    visitor.headers["Authorization"] = f"Bearer {server.panel.token}"

    def told() -> bool:
        return "the session has ended" in visitor.get(f"{server.path}traffic/").text

    await eventually_async(lambda: asyncio.to_thread(told))


def _overhear(page: Page, frames: list[bytes]) -> None:
    def heard(frame: str | bytes) -> None:
        frames.append(frame if isinstance(frame, bytes) else frame.encode())

    page.on("websocket", lambda opened: opened.on("framereceived", heard))


def _files(panel: Panel) -> dict[str, bytes]:
    """All that stands in the data directory: databases, their logs, whatever else."""
    found = {}
    for path in panel.data_dir.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                found[str(path)] = path.read_bytes()
    return found
