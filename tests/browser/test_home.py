"""The home page in a real browser: rows follow the servers, cards filter, many at once."""

import asyncio
import re
import socket

from playwright.async_api import expect

from tests.browser.conftest import Surf, ask


async def test_a_row_follows_its_server(surf: Surf, served) -> None:
    lab = served("echo", start=False)
    page = await surf("/servers/")
    row = page.locator(f"tr[data-name={lab.name}]")
    await expect(row.locator(".pill")).to_have_text("Stopped")
    await row.get_by_role("button", name="Start").click()
    await expect(row.locator(".pill")).to_have_text("Running")
    await expect(page.locator(".note")).to_contain_text(f"{lab.name} is running on 127.0.0.1:{lab.port}.")
    lab.send(b"hello\r\n")
    await expect(row.locator("[data-connections-cell]")).to_have_text("1")
    await expect(row.locator("[data-last] .bytes")).to_have_text("hello\\r\\n")
    await expect(row.locator("[data-rate]")).not_to_have_text(re.compile("^[0–]$"))


async def test_a_server_that_cannot_start_says_why_in_its_row_and_on_its_page(surf: Surf, served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        lab = served("echo", start=False, port=port)
        page = await surf("/servers/")
        row = page.locator(f"tr[data-name={lab.name}]")
        await row.get_by_role("button", name="Start").click()
        await expect(row.locator(".pill")).to_have_text("Failed")
        await expect(row.locator("[data-reason]")).to_contain_text(f"Port {port} on 127.0.0.1 is in use by pid")
        await row.get_by_role("button", name="Start").click()
        await expect(row.locator(".is-busy")).to_have_count(0)
        await expect(page.locator(".note")).to_have_count(0)
        await row.get_by_role("link", name=lab.name).click()
        await expect(page.locator("[data-reason]")).to_contain_text(f"Port {port} on 127.0.0.1 is in use by pid")
    await page.locator(".server-acts").get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".server-head .pill")).to_have_text("Running")
    await expect(page.locator("[data-reason]")).to_be_hidden()


async def test_many_are_started_and_stopped_at_once(surf: Surf, served) -> None:
    labs = [served("echo", start=False) for _ in range(3)]
    page = await surf("/servers/?q=echo")
    for lab in labs:
        await page.check(f"[data-tick][value={lab.name}]")
    await expect(page.locator("[data-chosen-word]")).to_have_text("3 chosen:")
    await page.locator("[data-bulk]").get_by_text("Start", exact=True).click()
    await expect(page.locator(".note")).to_have_text(re.compile("3 of 3 servers started."))
    for lab in labs:
        await expect(page.locator(f"tr[data-name={lab.name}] .pill")).to_have_text("Running")
        await page.check(f"[data-tick][value={lab.name}]")
    await page.locator("[data-bulk]").get_by_text("Stop", exact=True).click()
    for lab in labs:
        await expect(page.locator(f"tr[data-name={lab.name}] .pill")).to_have_text("Stopped")


async def test_what_others_make_and_delete_comes_and_goes(surf: Surf, served, panel) -> None:
    served("sink", name="a-first")
    page = await surf("/servers/")
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    lab = served("echo", name="b-later", notes="made elsewhere")
    row = page.locator("tr[data-name=b-later]")
    await expect(row.locator(".pill")).to_have_text("Running")
    await expect(row.locator("[data-address]")).to_have_text(f"127.0.0.1:{lab.port}")
    await expect(row.locator("[data-kind]")).to_have_text("tcp")
    await expect(row.get_by_role("link", name="b-later")).to_have_attribute("href", "/servers/b-later/")
    await row.get_by_role("button", name="Stop").click()
    await expect(row.locator(".pill")).to_have_text("Stopped")
    ask(panel, "DELETE", "/servers/b-later")
    await expect(row).to_have_count(0)


async def test_search_and_cards_filter_and_live_in_the_address(surf: Surf, served) -> None:
    served("sink", name="hall-1")
    served("sink", name="hall-2", start=False, notes="meter")
    page = await surf("/servers/")
    await page.keyboard.press("/")
    await page.keyboard.type("METER")
    await expect(page.locator("tbody tr:visible")).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"\?q=METER$"))
    await page.fill("[data-search]", "hall")
    await page.click("[data-show=running]")
    await expect(page.locator("tbody tr:visible [data-link]")).to_have_text(["hall-1"])
    await page.reload()
    await expect(page.locator("tbody tr:visible [data-link]")).to_have_text(["hall-1"])
    await page.fill("[data-search]", "nowhere")
    await page.click("text=Show all")
    await expect(page.locator("tbody tr:visible")).not_to_have_count(0)


async def test_enter_opens_the_only_hit_of_a_search(surf: Surf, served) -> None:
    served("sink", name="cellar-1")
    served("sink", name="cellar-2", start=False)
    page = await surf("/servers/")
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    await page.keyboard.press("/")
    await page.keyboard.type("cellar")
    await page.keyboard.press("Enter")
    await page.keyboard.type("-2")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/servers/cellar-2/$"))
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    await page.keyboard.press("/")
    await page.keyboard.type("cellar-1")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/servers/cellar-1/$"))
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    await page.keyboard.press("/")
    await page.keyboard.type("cellar")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/servers/\?q=cellar$"))


async def test_the_last_message_looks_alike_live_and_loaded(surf: Surf, served) -> None:
    lab = served("echo")
    page = await surf("/servers/")
    last = page.locator(f"tr[data-name={lab.name}] [data-last]")
    lab.send(b"abc")
    await expect(last).to_contain_text("← abc")
    await page.reload()
    await expect(last).to_contain_text("← abc")


async def test_the_address_is_copied_by_a_click(surf: Surf, served) -> None:
    lab = served("echo")
    page = await surf("/servers/", permissions=["clipboard-read", "clipboard-write"])
    await page.locator(f"tr[data-name={lab.name}] .copy").click()
    await expect(page.locator(f"tr[data-name={lab.name}] .copied")).to_have_text("copied")
    assert await page.evaluate("navigator.clipboard.readText()") == f"127.0.0.1:{lab.port}"


async def test_a_server_is_deleted_after_a_question_that_names_the_loss(surf: Surf, served) -> None:
    lab = served("echo")
    served("sink")
    lab.send(b"one")
    page = await surf(lab.path)
    await page.get_by_role("button", name=f"Delete {lab.name}").first.click()
    await expect(page.locator("#delete")).to_contain_text("2 messages")
    await expect(page.locator("#delete")).to_contain_text("cannot be undone")
    await expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#delete")).to_be_hidden()
    await page.get_by_role("button", name=f"Delete {lab.name}").first.click()
    await page.locator("#delete").get_by_role("button", name=f"Delete {lab.name}").click()
    await expect(page.locator(".note")).to_contain_text(f"{lab.name} and its messages are deleted.")
    await expect(page.locator(f"tr[data-name={lab.name}]")).to_have_count(0)


async def test_the_answer_to_a_deletion_is_awaited_when_the_link_tells_of_it_first(surf: Surf, served) -> None:
    lab = served("echo")
    served("sink")
    page = await surf("/servers/")
    told = asyncio.Event()
    page.on("websocket", lambda link: link.on("close", lambda _: told.set()))
    await page.locator(f"tr[data-name={lab.name}]").get_by_role("link", name=lab.name).click()
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    told.clear()

    async def answer_late(route) -> None:
        await route.fetch(max_redirects=0)
        await asyncio.wait_for(told.wait(), 10)
        await route.fulfill(content_type="text/html", body="<p>the answer</p>")

    await page.route(lambda address: address.endswith(lab.path), answer_late)
    await page.get_by_role("button", name=f"Delete {lab.name}").first.click()
    await page.locator("#delete").get_by_role("button", name=f"Delete {lab.name}").click()
    await expect(page.get_by_text("the answer")).to_be_visible()


async def test_without_a_supervisor_a_banner_says_so(surf: Surf, start_panel) -> None:
    panel = start_panel(command="web")
    page = await surf("/servers/", at=panel)
    await expect(page.locator("[data-banner]")).to_contain_text("manage.py supervise")
