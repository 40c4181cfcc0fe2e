"""People in front of the panel: invited, kept apart, asked for the password again, and themed; on a phone and without script too."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Surf
from tests.browser.test_pages import faults
from tests.browser.test_screenshots import LOOKS, picture
from tests.services.tls.making import pair
from tests.sockpanel.panel import Panel

PASSWORD = "correct horse battery staple"
# This person's password was given long ago
LATER = """
from sockpanel.accounts.models import Session
for row in Session.objects.filter(user__username="{name}"):
    data = row.get_decoded()
    data["confirmed_at"] = 0
    row.session_data = Session.get_session_store_class()().encode(data)
    row.save()
"""
ASK = """() => import("app/api").then(({ call }) => call("POST", "/account/tokens", { name: "dialog", scope: "viewer" }))
  .then(({ status }) => status, (error) => error.message)"""


def time_passes(panel: Panel, name: str) -> None:
    done = panel.manage("shell", "-c", LATER.format(name=name))
    assert done.returncode == 0, done.stderr


async def guest(surf: Surf, panel: Panel, name: str, role: str, path: str, **words: Any) -> Page:
    """Somebody new, who was invited, in front of this page."""
    invitation = await asyncio.to_thread(lambda: panel.login().post("/api/v1/invitations", json={"role": role}))
    page = await surf("/login/", signed_in=False, **words)
    await join(page, invitation.json()["link"], name)
    await page.goto(path)
    return page


async def join(page: Page, link: str, name: str) -> None:
    await page.goto(link)
    if await page.locator("#token").is_visible():  # without script
        await page.fill("#token", link.partition("#token=")[2])
    await page.fill("#username", name)
    await page.fill("#password", PASSWORD)
    await page.click("button[type=submit]")
    await expect(page).to_have_url(re.compile("/servers/$"))


async def invite(page: Page, name: str, role: str) -> str:
    await page.goto("/users/")
    await page.fill("#i-name", name)
    await page.check(f"#invite [name=role][value={role}]")
    await page.click("text=Make a link")
    return (await page.locator("[data-link]").inner_text()).strip()


async def test_an_invitation_from_the_link_to_a_role_that_grows(surf: Surf) -> None:
    admin = await surf("/users/", own_session=True)
    link = await invite(admin, "Grace", "viewer")
    page = await surf("/login/", signed_in=False)
    await page.goto(link)
    await expect(page.locator("[data-token-field]")).to_be_hidden()
    assert "token" not in page.url
    await join(page, link, "grace")
    assert (await page.goto("/users/")).status == 403

    await admin.goto("/users/")
    row = admin.locator("[data-user=grace]")
    await expect(row).to_contain_text("viewer")
    await row.get_by_label("Change grace").click()
    await row.get_by_text("Make operator").click()
    await expect(admin.locator(".note")).to_have_text(re.compile("grace is an operator now."))
    await row.get_by_label("Change grace").click()
    await row.get_by_text("Disable").click()
    await expect(row).to_contain_text("disabled")
    await page.goto("/servers/")
    await expect(page).to_have_url(re.compile("/login/"))


async def test_a_form_asks_for_the_password_in_between_and_loses_nothing(surf: Surf, panel: Panel) -> None:
    page = await guest(surf, panel, "hopper", "admin", "/users/", script=False)
    time_passes(panel, "hopper")
    await page.fill("#i-name", "Edsger <b>")
    await page.check("#invite [name=role][value=operator]")
    await page.click("text=Make a link")
    await expect(page.locator("h1")).to_have_text("Your password, please")
    await page.keyboard.type("wrong")  # the field has the focus
    await page.keyboard.press("Enter")
    await expect(page.locator("[role=alert]")).to_have_text("This is not your password: type it again.")
    await page.fill("#password", PASSWORD)
    await page.click("text=Go on")
    await expect(page.locator("#made-title")).to_have_text(re.compile("The invitation for Edsger <b>"))
    await expect(page.locator("tr", has_text="Edsger <b>")).to_contain_text("operator")


async def test_a_private_key_is_on_no_page_in_between_and_is_given_again(surf: Surf, panel: Panel) -> None:
    width, scheme = LOOKS["phone-dark"]
    name, mine = "lovelace", pair("lab.example.org")
    page = await guest(surf, panel, name, "admin", "/certificates/", width=width, color_scheme=scheme)
    time_passes(panel, name)
    await page.get_by_text("Brought with its key").click()
    await page.fill("#c-name", name)
    await page.fill("#c-chain", mine.chain)
    await page.fill("#c-key", mine.key_text)
    await page.get_by_role("button", name="Add it").click()
    await expect(page.locator("h1")).to_have_text("Your password, please")
    assert mine.key_text.splitlines()[1] not in await page.content()
    assert await faults(page) == []
    await page.fill("#password", PASSWORD)
    await page.fill("#again-key", mine.key_text)
    await page.click("text=Go on")
    await expect(page.locator(".note")).to_have_text(re.compile(f"{name} is kept."))


@pytest.mark.parametrize("look", ["light", "phone-dark"])
async def test_script_asks_in_a_dialog_and_repeats_what_was_refused(surf: Surf, panel: Panel, look: str) -> None:
    width, scheme = LOOKS[look]
    name = f"dialog-{look}"
    page = await guest(surf, panel, name, "viewer", "/account/", width=width, color_scheme=scheme)
    time_passes(panel, name)
    dialog = page.locator("dialog.confirming")
    await page.evaluate(f"window.answer = ({ASK})(); null")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")
    assert "needs your password again" in await page.evaluate("window.answer")
    await page.evaluate(f"window.answer = ({ASK})(); null")
    await expect(dialog).to_be_visible()
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(dialog.locator("[role=alert]")).to_have_text("This is not your password: type it again.")
    assert await faults(page) == []
    await picture(page, "confirming", look)
    await dialog.locator("input").fill(PASSWORD)
    await page.keyboard.press("Enter")
    assert await page.evaluate("window.answer") == 201
    await expect(dialog).to_have_count(0)


async def test_a_theme_follows_the_person_to_another_browser(surf: Surf, panel: Panel) -> None:
    page = await guest(surf, panel, "themed", "viewer", "/servers/")
    async with page.expect_response("**/api/v1/account"):
        await page.click("summary[aria-label=Theme]")
        await page.click("[data-theme=dark]")
    other = await surf("/login/?next=/account/", signed_in=False)
    await other.fill("[name=username]", "themed")
    await other.fill("[name=password]", PASSWORD)
    await other.keyboard.press("Enter")
    await expect(other.locator("html")).to_have_attribute("data-bs-theme", "dark")
    await other.select_option("#l-theme", "")
    await other.click("text=Keep it")
    await expect(other.locator("html[data-bs-theme]")).to_have_count(0)

    await other.locator("tr", has_text="127.0.0.1").filter(has_not_text="this one").get_by_role("button").click()
    await expect(other.locator(".note", has_text="That browser is signed out.")).to_have_count(1)
    await page.goto("/servers/")
    await expect(page).to_have_url(re.compile("/login/"))


@pytest.mark.parametrize("look", ["light", "phone-dark"])
async def test_pictures_of_people_and_of_ones_own_account(surf: Surf, panel: Panel, look: str) -> None:
    width, scheme = LOOKS[look]
    page = await guest(surf, panel, f"ada-{look}", "admin", "/users/", width=width, color_scheme=scheme)
    await invite(page, "Otto from hall 3, who looks after the meters", "operator")
    await looked_at(page, "invited", look, width)
    await page.goto("/users/")
    await page.get_by_label(f"Change ada-{look}").click()
    await looked_at(page, "users", look, width)
    await page.goto("/account/")
    await page.fill("#t-name", "nightly test")
    await page.click("text=Make a token")
    await looked_at(page, "account", look, width)
    await page.goto("/invite/#token=abc")
    await looked_at(page, "invite", look, width)


async def looked_at(page: Page, word: str, look: str, width: int) -> None:
    assert await faults(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.set_viewport_size({"width": width, "height": 1200})
    await picture(page, word, look)
