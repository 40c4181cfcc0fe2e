"""A server's traffic as people see it: an account that adds up, refusals with their rule, and old messages removed on request."""

import contextlib
import re
import socket

from playwright.async_api import expect

from tests.browser.conftest import Served, Surf


async def test_the_account_follows_the_messages_and_says_when_each_is_accounted_for(surf: Surf, served) -> None:
    lab: Served = served("sink")
    page = await surf(f"{lab.path}traffic/")
    stored = page.locator("table.account", has_text="Came in").get_by_role("row", name="stored")
    lab.send(b"hello", b"again")
    await expect(stored).to_have_text(re.compile(r"stored\s*2\s*10"))
    await expect(page.locator("[data-balance=even]")).to_have_text("every message is accounted for")


async def test_what_was_dropped_leads_from_the_conversation_to_its_reason(surf: Surf, served) -> None:
    lab: Served = served("echo", framing={"type": "length", "size": 4, "max_bytes": 10})
    with lab.connect() as client:
        client.sendall(b"\0\0\0\xff" + b"x" * 20)
        assert client.recv(1) == b""
    page = await surf(lab.path)
    await page.locator("[data-dropped]").click()
    await expect(page.locator("tr.is-loss")).to_contain_text("longer than framing.max_bytes")


async def test_a_refused_network_is_on_the_page_within_moments_with_its_rule(surf: Surf, served) -> None:
    lab: Served = served("echo", limits={"deny": ["127.0.0.0/8"]})
    page = await surf(f"{lab.path}traffic/")
    refused = page.locator("section:has(#refused-title)")
    await expect(refused).to_contain_text("Nobody was turned away")
    knock(lab)
    await expect(refused).to_contain_text("its network is not allowed")
    await expect(page.locator("section:has(#incidents-title)")).to_contain_text("refused 127.0.0.1")


async def test_whoever_watches_the_conversation_is_told_of_a_refusal_in_a_note(surf: Surf, served) -> None:
    lab: Served = served("echo", limits={"deny": ["127.0.0.0/8"]})
    page = await surf(lab.path)
    await expect(page.locator("[data-live-state=live]")).to_be_visible()
    knock(lab)
    await expect(page.locator("[data-toasts]")).to_contain_text("refused 127.0.0.1")


def knock(lab: Served) -> None:
    """Connect, and be turned away."""
    with socket.create_connection(("127.0.0.1", lab.port)) as client, contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""


async def test_an_admin_removes_old_messages_and_keeps_the_newest(surf: Surf, served) -> None:
    lab: Served = served("sink")
    lab.send(*[b"%d" % number for number in range(9)])
    await lab.stored(9)
    page = await surf(f"{lab.path}traffic/")
    await page.get_by_role("button", name="Make room").click()
    await page.get_by_label("Keep so many of the newest").fill("2")
    await page.get_by_role("button", name="Remove the older ones").click()
    await expect(page.locator("[data-toasts]")).to_contain_text(f"7 messages of {lab.name} are removed.")
    await expect(page.locator("[data-traffic]")).to_contain_text("2 messages are still kept")
    await page.goto(page.url.replace("traffic/", ""))
    await expect(page.locator("[data-list] [role=row]")).to_have_count(2)


async def test_limits_are_set_in_the_form_and_a_mistake_stands_beside_its_field(surf: Surf, served) -> None:
    lab: Served = served("echo", start=False)
    page = await surf(f"{lab.path}settings/")
    await page.get_by_text("Who is let in", exact=True).click()
    await page.get_by_label("Networks that are not").fill("10.1.2.3/8")
    await page.get_by_role("button", name="Save").click()
    problem = page.locator("[data-field='limits.deny'] .field-problem")
    await expect(problem).to_contain_text("10.1.2.3/8 has bits set behind its prefix: write 10.0.0.0/8")
    await page.get_by_label("Networks that are not").fill("10.0.0.0/8\n192.0.2.7")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[data-toasts]")).to_contain_text("is saved")
    await page.reload()
    await expect(page.get_by_label("Networks that are not")).to_have_value("10.0.0.0/8\n192.0.2.7")
