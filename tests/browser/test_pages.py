"""The other pages in a real browser, and what holds for all of them: contrast, phone, no script, weight, keys, theme."""

import re
import socket
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Surf, ask
from tests.ports import free_port

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
MOST_BYTES = 150_000  # of a first visit, headers and all, as they come over the wire


async def every_page(served) -> list[str]:
    lab = served("echo")
    lab.send(b"hello\r\n", b'{"a": 1}', bytes(range(64)))
    return [
        "/servers/",
        "/servers/new/",
        lab.path,
        f"{lab.path}#2",
        f"{lab.path}connections/",
        f"{lab.path}history/",
        f"{lab.path}settings/",
        "/client/",
    ]


async def faults(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{page.url} {fault['id']}: {node['html'][:120]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


async def test_nothing_is_wider_than_a_phone(surf: Surf, served) -> None:
    paths = await every_page(served)
    page = await surf("/servers/", width=390)
    for path in paths:
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("width", [390, 800])
async def test_a_narrow_page_of_a_server_leads_to_its_tabs(surf: Surf, served, width: int) -> None:
    lab = served("echo")
    lab.send(*(b"%d\n" % number for number in range(40)))
    page = await surf(lab.path, width=width)
    tabs = page.get_by_role("navigation", name=lab.name)
    seen, whole = await tabs.evaluate("tabs => [tabs.offsetHeight, tabs.scrollHeight]")
    assert seen >= whole > 24
    await tabs.get_by_role("link", name="Settings").click()
    await expect(page).to_have_url(re.compile(r"/settings/$"))


async def test_without_script_everything_is_there_and_works(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b"hello\r\n")
    page = await surf(lab.path, script=False)
    await expect(page.locator(".row-in .r-text")).to_have_text("hello\\r\\n")
    await page.locator(".server-acts").get_by_text("Stop").click()
    await expect(page.locator(".note")).to_have_text(f"{lab.name} is stopped.")
    await page.locator(".server-acts").get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".note")).to_contain_text(f"{lab.name} is running on")
    await page.goto("/servers/")
    await page.check(f"[data-tick][value={lab.name}]")
    await page.locator("[data-bulk]").get_by_text("Stop").click()
    await expect(page.locator(f"tr[data-name={lab.name}] .pill")).to_have_text("Stopped")
    await page.goto(f"/client/?host=127.0.0.1&port={free_port()}&data=x")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("[role=alert]").last).to_be_visible()


async def test_a_first_visit_is_light(surf: Surf, served) -> None:
    lab = served("sink")
    lab.send(*(b"%d %s" % (number, bytes(range(100))) for number in range(200)))
    await lab.stored(200)
    for path in ("/servers/", lab.path):
        page, requests = await surf("/healthz"), []  # nothing is in its cache yet
        page.on("requestfinished", lambda request, into=requests: into.append(request))
        await page.goto(path)
        await expect(page.locator("[data-live-word]")).to_have_text("live")
        sizes = [await request.sizes() for request in requests]
        weight = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
        assert weight < MOST_BYTES, path


async def test_the_theme_is_kept_and_comes_with_the_page(surf: Surf) -> None:
    page = await surf("/client/", color_scheme="light")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.click("summary[aria-label=Theme]")
    await page.click("[data-theme=dark]")
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    answer = await page.goto("/client/")
    assert answer
    assert '<html lang="en" data-bs-theme="dark">' in await answer.text()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    await page.click("summary[aria-label=Theme]")
    await page.click("text=As the system")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == light


async def test_the_system_decides_where_nobody_has_chosen(surf: Surf) -> None:
    colours = [
        await (await surf("/login/", signed_in=False, color_scheme=scheme)).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]
    assert colours[0] != colours[1]


async def test_keys_go_everywhere(surf: Surf, served) -> None:
    served("sink")
    page = await surf("/client/")
    await page.locator("h1").click()
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await expect(page).to_have_url(re.compile("/servers/$"))
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    await page.keyboard.press("j")
    await expect(page.locator("[data-link]:focus")).to_have_count(1)
    await page.keyboard.press("/")
    await expect(page.locator("[data-search]")).to_be_focused()
    await page.keyboard.type("gc")
    await expect(page).to_have_url(re.compile(r"\?q=gc$"))


async def test_the_form_shows_what_the_choices_leave_a_meaning(surf: Surf) -> None:
    page = await surf("/servers/new/")
    await expect(page.locator("[name='framing.size']")).to_be_hidden()
    await page.select_option("[name='framing.type']", "length")
    await expect(page.locator("[name='framing.size']")).to_be_visible()
    await page.select_option("[name=kind]", "time")
    await expect(page.locator("[name=transport]")).to_have_value("udp")
    await expect(page.locator("[name='framing.type']")).to_be_hidden()
    await expect(page.locator("[name='options.format']")).to_be_visible()
    await expect(page.locator("[name='options.message']")).to_be_hidden()


async def test_a_renamed_server_keeps_its_tab(surf: Surf, served, panel) -> None:
    lab = served("echo")
    page = await surf(f"{lab.path}settings/")
    watcher = await surf(f"{lab.path}history/")
    for one in (page, watcher):
        await expect(one.locator("[data-live-word]")).to_have_text("live")
    await page.fill("[name=name]", f"{lab.name}-renamed")
    await page.get_by_role("button", name="Save").click()
    await expect(page).to_have_url(re.compile(f"/servers/{lab.name}-renamed/settings/$"))
    await expect(page.locator(".note")).to_contain_text(f"{lab.name}-renamed is saved.")
    await expect(watcher).to_have_url(re.compile(f"/servers/{lab.name}-renamed/history/$"))
    assert ask(panel, "DELETE", f"/servers/{lab.name}-renamed").status == 204


async def test_on_a_phone_the_presets_come_first(surf: Surf) -> None:
    page = await surf("/servers/new/", width=390)
    await expect(page.get_by_role("button", name="Start it").first).to_be_in_viewport()
    await page.get_by_role("link", name="Build your own").click()
    await expect(page.locator("#form-title")).to_be_in_viewport()
    await page.goto("/servers/new/?preset=echo")
    await expect(page.locator("#form-title")).to_be_in_viewport()


async def test_a_port_in_use_is_told_beside_it_while_typing(surf: Surf) -> None:
    page = await surf("/servers/new/")
    with socket.create_server(("127.0.0.1", 0)) as holder:
        await page.fill("[name=port]", str(holder.getsockname()[1]))
        await expect(page.locator("[data-field=port] [data-warning]")).to_contain_text("is in use by pid")
    await page.fill("[name=port]", str(free_port()))
    await expect(page.locator("[data-field=port] [data-warning]")).to_be_hidden()


async def test_problems_get_the_focus_and_lead_to_their_fields(surf: Surf) -> None:
    page = await surf("/servers/new/")
    await page.fill("[name=name]", "Not Good")
    await page.fill("[name=port]", "0")
    await page.click("text=Only create")
    await expect(page.locator("[data-trouble]")).to_be_focused()
    await expect(page.locator("[name=name]")).to_have_value("Not Good")
    await page.click("[data-trouble] a[href='#f-port']")
    await expect(page.locator("[name=port]")).to_be_focused()


async def test_the_client_page_sends_and_shows_what_came_back(surf: Surf, served) -> None:
    lab = served("upper")
    page = await surf(lab.path)
    await page.click("text=Open in the Client page")
    await page.fill("[name=data]", "hello\\r\\n")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".piece-out [data-bytes]")).to_have_text("hello\\r\\n")
    await expect(page.locator(".piece-in [data-bytes]")).to_have_text("HELLO\\r\\n")
    await expect(page.locator(".piece-in [data-after]")).to_have_text(re.compile(r"after \d+\.\d ms"))
    await page.fill("[name=port]", "99999")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("[data-problem-for=port]")).to_have_text("The port is a whole number from 1 to 65535.")


async def test_the_time_is_asked_for_by_an_empty_datagram(surf: Surf, served) -> None:
    lab = served("time", port=free_port(socket.SOCK_DGRAM))
    page = await surf(f"/client/?transport=time&host=127.0.0.1&port={lab.port}")
    await expect(page.locator("[data-framing]")).to_be_hidden()
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".piece-in [data-bytes]")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))


async def test_connections_and_history_follow_the_server(surf: Surf, served) -> None:
    lab = served("echo")
    page = await surf(f"{lab.path}connections/")
    client = lab.connect()
    lab.send(b"hi")
    row = page.locator("[data-connections] tbody tr")
    await expect(row).to_have_count(1)
    await row.get_by_role("button", name="Close").click()
    await expect(page.locator(".note")).to_contain_text("Connection 1 is closed.")
    assert client.recv(10) == b""
    await page.goto(f"{lab.path}history/")
    await page.locator(".server-acts").get_by_text("Stop").click()
    await expect(page.locator("[data-history] .listing").first.locator("tbody tr").first).to_contain_text("Stopped")
