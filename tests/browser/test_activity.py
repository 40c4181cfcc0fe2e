"""The page Activity in a real browser: filters work without script, and a restored configuration is one click away."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Surf, ask
from tests.browser.test_screenshots import LOOKS, picture


@pytest.fixture
def changed(served):
    """A server that was changed."""
    lab = served("echo", name="audited", notes="hall 2")
    assert ask(lab.panel, "PATCH", "/servers/audited", {"notes": "hall 3", "reply": {"type": "upper"}}).status == 200
    return lab


async def test_filters_and_restoring_need_no_script(surf: Surf, changed) -> None:
    page = await surf("/activity/", script=False)
    await page.locator('select[name="verb"]').select_option("server.change")
    await page.locator('select[name="server"]').select_option("audited")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("tbody tr")).to_contain_text(re.compile(r"notes.*hall 3"))
    await page.goto("/servers/audited/history/")
    await page.get_by_role("button", name=re.compile("Restore the configuration")).click()
    await expect(page.get_by_text("is configured as entry")).to_be_visible()
    now = ask(changed.panel, "GET", "/servers/audited").json()
    assert (now["notes"], now["reply"]["type"]) == ("hall 2", "echo")


@pytest.mark.parametrize("look", LOOKS)
async def test_pictures_of_the_activity(surf: Surf, changed, look: str) -> None:
    width, scheme = LOOKS[look]
    page = await surf("/activity/", width=width, color_scheme=scheme)
    await picture(page, "activity", look)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto("/servers/audited/history/")
    await picture(page, "history", look)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
