"""The conversation in a real browser: live, paused, cut off and joined again, without holes or doubles."""

import asyncio
import re
import socket

from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import Surf, ask
from tests.ports import free_port

TEXTS = ".row-in .r-text"


async def shown(page: Page) -> list[str]:
    return await page.locator(TEXTS).all_inner_texts()


class Wire:
    """The page's WebSocket, with somebody at the wire who cuts it, or holds back what the page acknowledges."""

    def __init__(self) -> None:
        self.holds = False
        self._socket: WebSocketRoute | None = None
        self._server: WebSocketRoute | None = None
        self._held: list[str | bytes] = []

    async def watch(self, page: Page) -> None:
        await page.route_web_socket(re.compile("/ws/"), self._opened)
        await page.reload()
        await expect(page.locator("[data-live-word]")).to_have_text("live")

    def _opened(self, socket: WebSocketRoute) -> None:
        self._socket, self._server = socket, socket.connect_to_server()
        socket.on_message(self._said)

    def _said(self, text: str | bytes) -> None:
        if self.holds and '"ack"' in str(text):
            self._held.append(text)
        elif self._server:
            self._server.send(text)

    def release(self) -> None:
        self.holds = False
        for text in self._held:
            self._said(text)

    async def cut(self) -> None:
        assert self._socket
        await self._socket.close(code=4503)


async def look_for(page: Page, selector: str) -> None:
    """Scroll from the top until it is in view."""
    found = await page.evaluate(
        """async (selector) => {
          const list = document.querySelector("[data-list]");
          for (let top = 0; top < list.scrollHeight; top += list.clientHeight / 2) {
            list.scrollTop = top;
            await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            if (list.querySelector(selector)) return true;
          }
          return false;
        }""",
        selector,
    )
    assert found, selector


async def test_each_message_shows_up_as_it_arrives(surf: Surf, served) -> None:
    lab = served("echo")
    page = await surf(lab.path)
    await expect(page.locator("[data-quiet]")).to_be_visible()
    for number in range(5):
        lab.send(b"message %d" % number)
        await expect(page.locator(TEXTS).last).to_have_text(f"message {number}")
    await expect(page.locator(".row-out .r-text").last).to_have_text("message 4")
    await expect(page.locator("[data-count=received]")).to_have_text("5")


async def test_space_pauses_and_the_chip_leads_back(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(*(b"old %d" % number for number in range(60)))
    page = await surf(lab.path)
    await expect(page.locator(TEXTS).last).to_have_text("old 59")
    await page.keyboard.press("Space")
    await expect(page.locator("[data-pause]")).to_have_text("Resume", use_inner_text=True)
    before = await page.locator("[data-list]").evaluate("list => list.scrollTop")
    lab.send(*(b"new %d" % number for number in range(30)))
    await expect(page.locator("[data-newer]")).to_have_text("60 new")
    assert await page.locator("[data-list]").evaluate("list => list.scrollTop") == before
    await page.click("[data-newer]")
    await expect(page.locator(TEXTS).last).to_have_text("new 29")
    await expect(page.locator("[data-newer]")).to_be_hidden()
    await expect(page.locator("[data-pause]")).to_have_text("Pause", use_inner_text=True)


async def test_scrolling_up_pauses_and_the_end_resumes(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(*(b"%d" % number for number in range(80)))
    page = await surf(lab.path)
    await expect(page.locator(TEXTS).last).to_have_text("79")
    await page.locator("[data-list]").hover()
    await page.mouse.wheel(0, -600)
    await expect(page.locator("[data-pause]")).to_have_text("Resume", use_inner_text=True)
    first = (await shown(page))[0]
    lab.send(b"later")
    await expect(page.locator("[data-newer]")).to_have_text("2 new")
    assert (await shown(page))[0] == first
    await page.keyboard.press("End")
    await expect(page.locator(TEXTS).last).to_have_text("later")
    await expect(page.locator("[data-pause]")).to_have_text("Pause", use_inner_text=True)


async def test_a_full_list_with_scrollbars_is_followed_after_a_reload(
    surf: Surf, served, chromium_with_scrollbars: Browser
) -> None:
    lab = served("echo")
    lab.send(*(b"message %d" % number for number in range(70)))
    await lab.stored(70)
    page = await surf(lab.path, browser=chromium_with_scrollbars)
    for round in range(2):
        await page.reload()
        await expect(page.locator("[data-live-word]")).to_have_text("live")
        lab.send(b"more %d" % round)
        await expect(page.locator(TEXTS).last).to_have_text(f"more {round}")
        await expect(page.locator("[data-pause]")).to_have_attribute("aria-pressed", "false")
    thick, wide = await page.evaluate(
        """(({offsetWidth, clientWidth, scrollWidth}) => [offsetWidth - clientWidth, scrollWidth - clientWidth])(
          document.querySelector("[data-list]"))"""
    )
    assert thick > 4
    assert wide == 0


async def test_a_change_of_layout_is_nobodys_scrolling(surf: Surf, served, chromium_with_scrollbars: Browser) -> None:
    lab = served("echo")
    lab.send(*(b"message %d" % number for number in range(70)))
    await lab.stored(70)
    page = await surf(lab.path, browser=chromium_with_scrollbars)
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    await page.evaluate("document.querySelector('[data-list]').style.overflowX = 'scroll'")
    for width, height in ((1280, 500), (1280, 900), (800, 700), (1280, 600)):
        await page.set_viewport_size({"width": width, "height": height})
        lab.send(b"at %d" % height)
        await expect(page.locator(TEXTS).last).to_have_text(f"at {height}")
        await expect(page.locator("[data-pause]")).to_have_attribute("aria-pressed", "false")
    await page.locator("[data-list]").hover()
    await page.mouse.wheel(0, -600)
    await expect(page.locator("[data-pause]")).to_have_attribute("aria-pressed", "true")


async def test_how_to_talk_to_it_follows_a_move(surf: Surf, served, panel) -> None:
    lab = served("echo")
    page = await surf(lab.path)
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    port = free_port()
    assert ask(panel, "PATCH", f"/servers/{lab.name}", {"port": port}).status == 200
    talk = page.locator(".talk")
    await expect(talk).to_contain_text(f"nc 127.0.0.1 {port}")
    await expect(talk).to_contain_text(f'("127.0.0.1", {port})')
    await expect(talk.locator("[data-copy]").first).to_have_attribute("data-copy", f"nc 127.0.0.1 {port}")
    await expect(talk.locator("a")).to_have_attribute("href", re.compile(f"port={port}&"))


async def test_a_datagram_goes_to_an_address_not_heard_of_before(surf: Surf, served) -> None:
    lab = served("upper-udp")
    page = await surf(lab.path)
    await expect(page.locator("[data-peer]")).to_be_hidden()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.settimeout(10)
        await page.select_option("[data-to]", "peer")
        await page.fill("[data-peer]", f"127.0.0.1:{stranger.getsockname()[1]}")
        await page.fill("[data-data]", "hello")
        await page.keyboard.press("Enter")
        assert await asyncio.to_thread(stranger.recv, 100) == b"hello"
    await expect(page.locator(".row-out .r-text")).to_contain_text("hello")
    await expect(page.locator("[data-to]")).to_have_value("peer")


async def test_on_a_phone_the_chosen_row_stands_above_the_inspector(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(*(b"message %d" % number for number in range(30)))
    await lab.stored(30)
    page = await surf(lab.path, width=390, reduced_motion="reduce")
    await page.locator(".row-in").last.click()
    await expect(page.locator(".inspect")).to_be_visible()
    await expect(page.locator(".entry[aria-selected]")).to_be_in_viewport(ratio=1)
    row, sheet = await page.evaluate(
        """[document.querySelector(".entry[aria-selected]").getBoundingClientRect().bottom,
          document.querySelector("[data-inspector]").getBoundingClientRect().top]"""
    )
    assert row <= sheet


async def test_a_lost_websocket_comes_back_without_holes_or_doubles(surf: Surf, served) -> None:
    lab, wire = served("echo"), Wire()
    page = await surf(lab.path)
    await wire.watch(page)
    lab.send(*(b"a%d" % number for number in range(3)))
    await expect(page.locator(TEXTS).last).to_have_text("a2")
    await wire.cut()
    await expect(page.locator("[data-live-word]")).to_have_text("reconnecting")
    lab.send(*(b"b%d" % number for number in range(3)))
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    lab.send(b"c")
    await expect(page.locator(TEXTS).last).to_have_text("c")
    assert await shown(page) == [*(f"a{n}" for n in range(3)), *(f"b{n}" for n in range(3)), "c"]
    assert await page.locator(".row-gap").count() == 0


async def test_what_a_slow_page_missed_is_a_gap_that_loads(surf: Surf, served) -> None:
    lab, wire = served("sink"), Wire()
    page = await surf(lab.path)
    await wire.watch(page)
    wire.holds = True
    for burst in range(20):  # more batches than may be unacknowledged, and more rows than the server has at hand
        lab.send(*(b"%d" % (burst * 100 + number) for number in range(100)))
        await lab.stored((burst + 1) * 100)
    wire.release()
    await expect(page.locator(TEXTS).last).to_have_text("1999")
    await look_for(page, ".row-gap")
    await expect(page.locator(".row-gap")).to_contain_text("not shown")
    before = int(await page.locator("[data-list]").get_attribute("aria-rowcount") or 0)
    await page.click(".row-gap button")
    await expect(page.locator("[data-list]")).not_to_have_attribute("aria-rowcount", str(before))
    after = int(await page.locator("[data-list]").get_attribute("aria-rowcount") or 0)
    assert before + 100 < after <= before + 500


async def test_a_gap_is_loaded_by_its_button(surf: Surf, served) -> None:
    lab = served("sink")
    page = await surf(lab.path)

    async def leave_out(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda text: socket.send(_without(str(text), 6)))

    await page.route_web_socket(re.compile("/ws/"), leave_out)
    await page.reload()
    await expect(page.locator("[data-live-word]")).to_have_text("live")
    lab.send(*(b"%d" % number for number in range(10)))
    await lab.stored(10)
    await expect(page.locator(".row-gap")).to_have_text("1 not shown load")
    await page.click(".row-gap button")
    await expect(page.locator(TEXTS)).to_have_text([str(number) for number in range(10)])


def _without(text: str, number: int) -> str:
    """The frame, without the message of this number: as if the server had left it out."""
    import json

    frame = json.loads(text)
    if frame["type"] == "messages":
        frame["messages"] = [message for message in frame["messages"] if message["seq"] != number]
    return json.dumps(frame)


async def test_older_messages_load_on_reaching_the_top(surf: Surf, served) -> None:
    lab = served("sink")
    lab.send(*(b"%d" % number for number in range(450)))
    await lab.stored(450)
    page = await surf(lab.path)
    await expect(page.locator(TEXTS).last).to_have_text("449")
    await page.locator("[data-list]").evaluate("list => { list.scrollTop = 0 }")
    await expect(page.locator("[data-list]")).to_have_attribute("aria-rowcount", "450")
    await page.locator("[data-list]").evaluate("list => { list.scrollTop = 0 }")
    await expect(page.locator(TEXTS).first).to_have_text("0")


async def test_fifty_thousand_rows_are_a_few_nodes(surf: Surf, served) -> None:
    lab = served("sink")
    page = await surf(lab.path)
    drawn = await page.evaluate(
        """async () => {
          const { Rows, asRow } = await import("app/rows");
          const { VirtualList } = await import("app/vlist");
          const { createLine, drawLine } = await import("app/lines");
          const rows = new Rows();
          const scroller = document.querySelector("[data-list]");
          const canvas = scroller.querySelector("[data-rows]");
          const list = new VirtualList(scroller, canvas, {
            create: createLine, item: (at) => rows.items[at], count: () => rows.length, rowHeight: () => 26,
            draw: (node, row) => drawLine(node, row, { view: "text", chosen: 0 }), moved: () => {}, top: () => {},
          });
          const like = { at: "2026-11-20T10:00:00.000000Z", connection: 1, peer: "p", direction: "in", size: 1, data: "YQ==" };
          const message = (seq) => asRow({ seq, ...like });
          rows.add(Array.from({ length: 60_000 }, (_, at) => message(at + 1)), 60_000);
          const began = performance.now();
          list.draw();
          for (let step = 0; step < 100; step++) { scroller.scrollTop -= 997; list.draw(); }
          const passed = (performance.now() - began) / 101;
          list.toEnd();
          return {
            rows: rows.length, nodes: canvas.childElementCount, milliseconds: passed,
            last: canvas.lastElementChild.dataset.seq, seqs: [...canvas.children].map((node) => Number(node.dataset.seq)),
          };
        }"""
    )
    assert (drawn["rows"], drawn["last"]) == (50_000, "60000")
    assert drawn["seqs"] == sorted(drawn["seqs"])
    assert drawn["nodes"] < 80
    assert drawn["milliseconds"] < 16


async def test_two_browsers_side_by_side_see_the_same_and_who_sent(surf: Surf, served) -> None:
    lab = served("echo")
    one, other = await surf(lab.path), await surf(lab.path)
    client = lab.connect()
    lab.send(b"hello")
    for page in (one, other):
        await expect(page.locator(TEXTS)).to_have_text(["hello"])
    await one.fill("[data-data]", r"from \x02 the panel\r\n")
    await one.keyboard.press("Enter")
    assert await asyncio.to_thread(client.recv, 100) == b"from \x02 the panel\r\n"
    await expect(other.locator(".row-out .r-text").last).to_have_text(r"adafrom \x02 the panel\r\n")
    await expect(other.locator(".row-out .by")).to_have_text("ada")
    await expect(one.locator("[data-data]")).to_have_value("")
    await one.keyboard.press("ArrowUp")
    await expect(one.locator("[data-data]")).to_have_value(r"from \x02 the panel\r\n")


async def test_bytes_in_hex_go_to_one_connection_only(surf: Surf, served) -> None:
    lab = served("echo")
    first, second = lab.connect(), lab.connect()
    page = await surf(lab.path)
    await expect(page.locator("[data-to] option")).to_have_count(3)
    await page.select_option("[data-to]", "2")
    await page.select_option("[data-encoding]", "hex")
    await page.fill("[data-data]", "00 ff")
    await page.keyboard.press("Enter")
    assert await asyncio.to_thread(second.recv, 10) == b"\x00\xff"
    first.setblocking(False)
    await expect(page.locator(".row-out")).to_have_count(1)
    await page.fill("[data-data]", "0")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-problem]")).to_have_text("One hex digit is left over: every byte has two.")


async def test_captured_bytes_are_text_and_nothing_else(surf: Surf, served) -> None:
    lab = served("echo")
    page = await surf(lab.path)
    hostile = ["<img src=x onerror=alert(1)>", "</div><script>alert(2)</script>", "javascript:alert(3)", "{{7*7}}${1}"]
    lab.send(*(text.encode() for text in hostile), "\u202egnp.exe\x1b[2J".encode())
    await expect(page.locator(TEXTS)).to_have_text([*hostile, "<U+202E>gnp.exe\\x1b[2J"])
    await page.reload()
    await expect(page.locator(TEXTS)).to_have_text([*hostile, "<U+202E>gnp.exe\\x1b[2J"])
    assert await page.locator("main img, main script").count() == 0


async def test_the_view_can_be_hex_or_both_and_is_remembered(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b"Hi\n")
    page = await surf(lab.path)
    await page.click("[data-view=hex]")
    await expect(page.locator(TEXTS)).to_have_text("48 69 0a")
    await page.click("[data-view=mixed]")
    await expect(page.locator(TEXTS)).to_have_text("48 69 0aHi\\n")
    await page.reload()
    await expect(page.locator(TEXTS)).to_have_text("48 69 0aHi\\n")


async def test_clearing_takes_rows_off_the_screen_and_deletes_nothing(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b"before")
    page = await surf(lab.path)
    await expect(page.locator(TEXTS)).to_have_text(["before"])
    await page.click("[data-clear]")
    lab.send(b"after")
    await expect(page.locator(TEXTS)).to_have_text(["after"])
    await page.reload()
    await expect(page.locator(TEXTS)).to_have_text(["before", "after"])
