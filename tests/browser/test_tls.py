"""TLS in a real browser: asked for on the Client page, seen on the server's."""

import asyncio

from playwright.async_api import expect

from tests.browser.conftest import Surf, ask
from tests.browser.test_pages import faults

TLS = {"mode": "on", "certificate": "browser-lab"}


async def test_a_person_asks_a_server_over_tls_and_sees_what_both_agreed_on(surf: Surf, served, panel) -> None:
    made = ask(panel, "POST", "/certificates", {"name": "browser-lab", "names": ["localhost", "127.0.0.1"]})
    assert made.status == 201, made.text
    lab = served("echo", tls=TLS)
    page = await surf("/client/")
    await page.get_by_label("Port", exact=True).fill(str(lab.port))
    await page.get_by_label("Bytes", exact=True).first.fill("abc")
    await expect(page.get_by_label("Name of the server")).to_be_hidden()
    await page.get_by_text("TLS (TCP)").click()
    await page.get_by_label("Name of the server").fill("localhost")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("[data-met]")).to_contain_text("TLS 1.3 · CN=Sockpanel browser-lab")
    await expect(page.locator("[data-outcome]")).to_have_text("1 message back")
    assert await faults(page) == []
    await page.get_by_label("Name of the server").fill("elsewhere.lan")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator('[data-problem-for="tls.name"]')).to_contain_text("is for other names")
    await page.goto(f"{lab.path}connections/")
    await expect(page.locator("tbody tr").last).to_contain_text("TLS 1.3 for localhost")
    assert await faults(page) == []


async def test_a_handshake_that_fails_is_in_the_conversation_with_its_reason(surf: Surf, served, panel) -> None:
    ask(panel, "POST", "/certificates", {"name": "browser-lab", "names": ["localhost", "127.0.0.1"]})
    lab = served("echo", tls=TLS)
    page = await surf(lab.path)
    client = lab.connect()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    await asyncio.to_thread(client.recv, 100)
    reason = "it sent an HTTP request in plain text: use https://"
    await expect(page.locator(".row-event").filter(has_text=reason)).to_be_visible()
    await page.goto(f"{lab.path}traffic/")
    await expect(page.get_by_text(f"no TLS with 127.0.0.1: {reason}")).to_be_visible()
