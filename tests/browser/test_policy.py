"""No page of the panel asks for what its own content security policy forbids, whatever is opened or clicked on it."""

import re
from collections.abc import Callable

from playwright.async_api import Page

from tests.browser.conftest import Served, Surf
from tests.sockpanel.accounts.test_gate import every_path

WATCH = """globalThis.reports = [];
addEventListener("securitypolicyviolation", (told) =>
  reports.push(`${location.pathname} ${told.violatedDirective} ${told.blockedURI} ${told.sample}`));"""
DJANGOS = ("/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/admin/services/server/")


def pages(lab: str) -> list[str]:
    """Every address that is a page: the API's answers and most of Django's admin are left out."""
    ours = [path for path in every_path() if not re.match(r"/(api|admin|logout|healthz|favicon)", path)]
    return [path.replace("/servers/1", f"/servers/{lab}") for path in ours] + ["/api/v1/docs", *DJANGOS]


async def test_no_page_breaks_its_policy(surf: Surf, served: Callable[..., Served]) -> None:
    lab = served("echo")
    lab.send(b"hello\r\n")
    page = await surf("/servers/")
    await page.context.add_init_script(WATCH)
    reports: list[str] = []
    for path in pages(lab.name):
        await page.goto(path)
        await _click_about(page)
        reports += await page.evaluate("reports")
    assert reports == []


async def _click_about(page: Page) -> None:
    """Open what can be opened on the page."""
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    await page.evaluate("document.querySelectorAll('[role=tab], [aria-pressed]').forEach((one) => one.click())")


async def test_markup_comes_into_a_page_by_its_own_script_alone(surf: Surf, served: Callable[..., Served]) -> None:
    page = await (await surf("/servers/")).context.new_page()
    await page.goto("/servers/")
    tried = """(way) => { try { %s; return "done" } catch (error) { return error.name } }"""
    for deed in ("document.body.innerHTML = '<b>x</b>'", "trustedTypes.createPolicy('other', {})"):
        assert await page.evaluate(tried % deed) == "TypeError", deed
