"""Pictures of every page in .build/screenshots, for people to look at: wide and narrow, light and dark."""

import json
import re
import struct
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Surf

FOLDER = Path(__file__).resolve().parents[2] / ".build" / "screenshots"
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
TALK = [
    b"GET /status HTTP/1.1\r\nHost: meter-7\r\n\r\n",
    json.dumps({"device": "meter-7", "temperature": 21.4, "ok": True, "tags": ["hall 3", "line B"]}).encode(),
    b"\x02OK\x03\r\n",
    "Grüße, 12 €".encode(),
    struct.pack(">HBBf", 0xCAFE, 1, 7, 21.4),
    b"hello\r\n",
]


@pytest.fixture
def hall(served):
    """Some servers with a past, one of them failed."""
    lab = served("echo", name="lab-echo")
    for number in range(4):
        lab.connect()
        lab.send(*TALK[number:], *TALK[:number])
    served("sink", name="telemetry").send(*(b"temperature=%.1f" % (20 + number / 7) for number in range(40)))
    served("upper-udp", name="upper-udp", start=False)
    served("timestamp", name="timestamps", host="127.0.0.1").send(b"now?")
    return lab


@pytest.mark.parametrize("look", LOOKS)
async def test_pictures_of_every_page(surf: Surf, hall, look: str) -> None:
    width, scheme = LOOKS[look]
    page = await surf("/servers/", width=width, color_scheme=scheme)
    await expect(page.locator("[data-rate]").first).to_have_text(re.compile(r"\d"))
    await picture(page, "servers", look)
    for word, path in (
        ("new", "/servers/new/?preset=echo"),
        ("connections", f"{hall.path}connections/"),
        ("history", f"{hall.path}history/"),
    ):
        await page.goto(path)
        await picture(page, word, look)
    await page.goto(f"{hall.path}settings/")
    await picture(page, "settings", look)
    await page.goto(hall.path)
    await page.locator(".row-in", has_text="temperature").last.click()
    await expect(page.locator(".inspect")).to_be_visible()
    await picture(page, "server", look)
    await page.goto(f"/client/?host=127.0.0.1&port={hall.port}&data=hello%5Cr%5Cn")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".piece-in")).to_be_visible()
    await picture(page, "client", look)


async def picture(page: Page, word: str, look: str) -> None:
    await expect(page.locator("h1")).to_be_visible()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{word}-{look}.png"
    await page.screenshot(path=path)
    assert path.stat().st_size > 10_000
