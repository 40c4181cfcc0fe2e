"""Every page that the address table has, looked at by axe: contrast, names, roles, order; by day, by night and on a phone.

A page that is new is looked at from its first day. What is no page stands in NO_PAGES with the reason.
"""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Surf
from tests.browser.test_pages import faults
from tests.sockpanel.addresses import Address, every_address

LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}
NO_PAGES = {
    "/": "leads to the servers",
    "/certificates/<slug:name>.pem": "a file",
    "/favicon.ico": "a picture",
    "/healthz": "plain text",
    "/login/": "below, signed out",
    "/logout/": "takes a form",
    "/servers/new/address/": "JSON for a field",
    "/setup": "below, with nobody there",
    "/commands/<int:pk>/": "with a command: in test_commands",
}


def pages() -> list[Address]:
    """Those a browser is led to; the API has no pages but its own documentation, Django's admin its own authors."""
    return [
        address
        for address in every_address()
        if not address.is_admin and (not address.is_api or address.pattern == "/api/v1/docs")
    ]


async def test_no_page_is_spared_that_there_is_not():
    assert set(NO_PAGES) - {address.pattern for address in pages()} == set()


async def test_no_page_keeps_anybody_out(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b"hello\r\n", b'{"a": 1}', bytes(range(64)))
    page = await surf("/servers/")
    found = []
    for address in pages():
        if address.pattern not in NO_PAGES:
            found += await looked_at(page, address.filled(name=lab.name))
    found += await looked_at(page, "/no/such/page", status=404)
    assert found == [], "\n".join(found)


async def looked_at(page: Page, path: str, status: int = 200) -> list[str]:
    answer = await page.goto(path)
    assert answer is not None
    assert answer.status == status, (
        f"{path} is answered with {answer.status}: give it what it needs, or say in NO_PAGES why not"
    )
    await expect(page.locator("h1").first).to_be_visible()
    found = []
    for look, (width, scheme) in LOOKS.items():
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours that fade have none yet
        ground = await page.evaluate(
            "getComputedStyle(document.body).colorScheme + document.documentElement.dataset.bsTheme"
        )
        assert scheme in ground, ground
        found += [f"{look}: {fault}" for fault in await faults(page)]
    return found


@pytest.mark.parametrize("look", LOOKS)
async def test_whoever_is_signed_out_is_not_kept_out_either(surf: Surf, look: str) -> None:
    width, scheme = LOOKS[look]
    page = await surf("/login/", signed_in=False, width=width, color_scheme=scheme)
    assert await faults(page) == []


async def test_the_first_page_of_all_keeps_nobody_out(surf: Surf, start_panel) -> None:
    page = await surf("/setup", at=start_panel(admin=False), signed_in=False)
    assert await faults(page) == []
