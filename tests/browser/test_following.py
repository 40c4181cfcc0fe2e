"""An open page follows the account: with another role it is another page, and signed out it is the sign-in page."""

import contextlib
import sqlite3
from collections.abc import Callable

from playwright.async_api import expect

from tests.browser.conftest import Served, Surf
from tests.sockpanel.panel import Panel

Make = Callable[..., Served]
MAKE = "from sockpanel.accounts.models import User; User.objects.create_user('olga', password={!r}, role='operator')"


def change(panel: Panel, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(panel.data_dir / "control.sqlite3", timeout=10)) as database, database:
        database.execute(sql)


async def test_a_page_is_another_once_the_role_is_and_gone_once_the_account_is(
    surf: Surf, panel: Panel, served: Make
) -> None:
    assert panel.manage("shell", "-c", MAKE.format(panel.password)).returncode == 0
    page = await surf(f"/login/?next={served('echo').path}", signed_in=False)
    await page.fill("[name=username]", "olga")
    await page.fill("[name=password]", panel.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    await expect(page.locator("[data-send]")).to_have_count(1)
    change(panel, "UPDATE accounts_user SET role = 'viewer' WHERE username = 'olga'")
    await expect(page.locator("[data-send]")).to_have_count(0)
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    change(panel, "UPDATE accounts_user SET is_active = 0 WHERE username = 'olga'")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
