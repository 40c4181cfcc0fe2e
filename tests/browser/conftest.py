"""A real Chromium in front of the real product. Whatever a test does, no page may break its own content security policy.

async def test_something(surf, served):
    lab = served("echo")                        # a running server; lab.name, lab.port, lab.send(b"hi"); deleted at the end
    page = await surf("/servers/")              # signed in as the admin; surf(path, width=390, color_scheme="dark", script=False)
"""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.waiting import eventually_async

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 20_000  # milliseconds that anything on a page may take
CLOSE_WITHIN = 20.0  # seconds

expect.set_options(timeout=PATIENCE)

Surf = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them in one loop, for a browser belongs to the loop that started it."""
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip(reason="there is no Chromium: install it (Debian: apt-get install chromium)")
                )


@pytest.fixture(scope="session")
def panel() -> Iterator[Panel]:
    """`manage.py up` for all browser tests."""
    running = Panel()
    running.start()
    yield running
    running.end()


@pytest.fixture
def start_panel() -> Iterator[Callable[..., Panel]]:
    """Starts a panel of its own for a test."""
    started: list[Panel] = []

    def start(**words: Any) -> Panel:
        started.append(Panel(**words))
        started[-1].start()
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium_with_scrollbars(chromium: Browser) -> AsyncIterator[Browser]:
    """Another one whose scrollbars take room, as on most desktops: surf(path, browser=chromium_with_scrollbars)."""
    browser = await chromium.browser_type.launch(
        executable_path=CHROMIUM, args=OPTIONS, ignore_default_args=["--hide-scrollbars"]
    )
    yield browser
    await browser.close()


@pytest.fixture(scope="session")
def sessions() -> dict[Panel, dict[str, str]]:
    """The admin's cookies at each panel: signing in takes a while, and one session does for all."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def surf(chromium: Browser, panel: Panel, sessions: dict[Panel, dict[str, str]]) -> AsyncIterator[Surf]:
    """Opens pages, each in a browser profile of its own. At the end none of them may have broken a rule."""
    contexts: list[BrowserContext] = []
    broken: list[str] = []

    async def open_page(
        path: str,
        *,
        at: Panel | None = None,
        browser: Browser | None = None,
        signed_in: bool = True,
        own_session: bool = False,
        width: int = 1280,
        script: bool = True,
        **words: Any,
    ) -> Page:
        target = at or panel
        context = await (browser or chromium).new_context(
            base_url=target.base_url,
            viewport={"width": width, "height": 844 if width < 900 else 800},
            java_script_enabled=script,
            **words,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if signed_in:
            if not own_session and target not in sessions:
                sessions[target] = target.login().cookies
            cookies = target.login().cookies if own_session else sessions[target]
            await context.add_cookies(
                [{"name": name, "value": value, "url": target.base_url} for name, value in cookies.items()]
            )
        page = await context.new_page()
        page.on("pageerror", lambda error: broken.append(f"{path}: {error}"))
        page.on("console", lambda message: broken.append(f"{path}: {message.text}") if _is_fault(message) else None)
        page.on("dialog", lambda dialog: broken.append(f"{path}: a dialog said {dialog.message}"))
        await page.goto(path)
        return page

    yield open_page
    for context in contexts:
        await _close(context)
    assert broken == []


async def _close(context: BrowserContext) -> None:
    """A busy Chromium now and then never answers a close; its pages then go when the browser does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN):
            await context.close()


def _is_fault(message: ConsoleMessage) -> bool:
    """An answer with an error status is a page's daily bread; anything else in red is not."""
    return message.type == "error" and not message.text.startswith(
        ("Failed to load resource", "WebSocket connection to")
    )


class Served:
    """A running server of the panel, and somebody who talks to it."""

    def __init__(self, panel: Panel, told: dict[str, Any]) -> None:
        self.panel, self.name, self.port, self.told = panel, told["name"], told["port"], told
        self.sockets: list[socket.socket] = []

    @property
    def path(self) -> str:
        return f"/servers/{self.name}/"

    def connect(self) -> socket.socket:
        """A TCP client."""
        self.sockets.append(socket.create_connection(("127.0.0.1", self.port), timeout=5))
        return self.sockets[-1]

    def send(self, *messages: bytes) -> None:
        """Messages, each answered before the next (TCP), or each a datagram."""
        if self.told["transport"] == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for message in messages:
                    sender.sendto(message, ("127.0.0.1", self.port))
            return
        client = self.sockets[-1] if self.sockets else self.connect()
        for message in messages:
            client.sendall(message)
            client.recv(65_536)

    async def stored(self, wanted: int) -> None:
        """Until so many incoming messages are stored."""

        def count() -> int:
            stored: int = ask(self.panel, "GET", f"/servers/{self.name}").json()["counters"]["stored"]
            return stored

        await eventually_async(lambda: asyncio.to_thread(lambda: count() >= wanted))


def ask(panel: Panel, method: str, path: str, body: object = None) -> Any:
    """The API, asked with a token."""
    visitor = panel.visitor()
    visitor.headers["Authorization"] = f"Bearer {panel.token}"
    return visitor.post(f"/api/v1{path}", json={} if body is None else body, method=method)


@pytest.fixture
def served(panel: Panel) -> Iterator[Callable[..., Served]]:
    """Makes running servers: served("echo", name="lab", reply={...}); start=False leaves them stopped."""
    made: list[Served] = []

    def make(preset: str, *, start: bool = True, at: Panel | None = None, **words: Any) -> Served:
        target = at or panel
        words.setdefault("name", f"{preset}-{next(_numbers)}")
        words.setdefault(
            "port", free_port(socket.SOCK_DGRAM if "udp" in preset or preset == "sink" else socket.SOCK_STREAM)
        )
        answer = ask(target, "POST", "/servers", {"preset": preset, **words})
        assert answer.status == 201, answer.text
        made.append(Served(target, answer.json()))
        if start:
            started = ask(target, "POST", f"{'/servers/' + words['name']}/start")
            assert started.status == 200, started.text
        return made[-1]

    yield make
    for server in made:
        for client in server.sockets:
            client.close()
        if server.panel is panel:
            ask(panel, "DELETE", f"/servers/{server.name}")


_numbers = count(1)
