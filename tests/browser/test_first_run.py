"""The main job, end to end: from the set-up link to a message of a socket, seen, kept, and the port free again."""

import re
import socket
from contextlib import suppress

from playwright.async_api import expect

from tests.browser.conftest import Surf
from tests.ports import free_port


async def test_from_the_set_up_link_to_a_message_and_a_free_port(surf: Surf, start_panel) -> None:
    panel = start_panel(admin=False)
    page = await surf(f"/setup#token={panel.setup_token()}", at=panel, signed_in=False)
    await page.fill("#username", "grace")
    await page.fill("#password", "a long enough password")
    await page.click("button[type=submit]")

    await expect(page.locator("h1")).to_have_text("Welcome")
    await page.locator(".preset", has_text="TCP upper case").first.get_by_text("Adjust first").click()
    port = free_port()
    await page.fill("[name=port]", str(port))
    await page.click("text=Create and start")
    await expect(page.locator(".server-head .pill")).to_have_text("Running")
    await expect(page.locator(".talk")).to_contain_text(f"nc 127.0.0.1 {port}")

    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
        rows = page.locator(".entry .r-text")
        await expect(rows).to_have_text(["hello", "HELLO"])
        await expect(page.locator(".row-event").first).to_contain_text("opened · 127.0.0.1:")
    await expect(page.locator(".row-event").last).to_contain_text("closed by the peer")

    await page.reload()
    await expect(page.locator(".entry .r-text")).to_have_text(["hello", "HELLO"])

    await page.locator(".server-acts").get_by_text("Stop").click()
    await expect(page.locator(".server-head .pill")).to_have_text("Stopped")
    socket.create_server(("127.0.0.1", port), reuse_port=False).close()


async def test_one_click_from_the_empty_home_leads_to_the_running_server(surf: Surf, start_panel) -> None:
    with suppress(OSError), socket.create_server(("127.0.0.1", 8007)):  # its own port, for it is taken here
        page = await surf("/servers/", at=start_panel())
        await expect(page.locator("[data-live-word]")).to_have_text("live")
        await page.locator(".preset", has_text="TCP echo").first.get_by_text("Start it").click()
        await expect(page).to_have_url(re.compile("/servers/echo/$"))
        await expect(page.locator(".server-head .pill")).to_have_text("Running")
        await expect(page.locator(".note-warning")).to_have_text(
            re.compile(r"Port 8007 is taken, so it serves on 80\d\d\.")
        )


async def test_signing_in_and_out(surf: Surf, panel) -> None:
    page = await surf("/servers/?q=x", signed_in=False)
    await page.fill("[name=username]", panel.username)
    await page.fill("[name=password]", panel.password)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/servers/\?q=x$"))
    await page.click("summary[aria-label=Account]")
    await page.click("text=Sign out")
    await expect(page).to_have_url(re.compile("/login/"))
    await page.goto("/servers/")
    await expect(page).to_have_url(re.compile("/login/"))


async def test_a_page_that_is_open_learns_of_a_sign_out(surf: Surf, served) -> None:
    page = await surf(served("echo").path, own_session=True)
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    other = await page.context.new_page()
    await other.goto("/servers/")
    await other.click("summary[aria-label=Account]")
    await other.click("text=Sign out")
    await expect(page).to_have_url(re.compile(r"/login/\?next=%2Fservers%2Fecho-"))
