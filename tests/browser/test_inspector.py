"""The inspector: the whole message, in hex, as text and as JSON, copied and linked to."""

from playwright.async_api import Page, expect

from tests.browser.conftest import Surf


async def clipboard(page: Page) -> str:
    text: str = await page.evaluate("navigator.clipboard.readText()")
    return text


async def test_hex_and_text_stand_side_by_side_and_are_linked(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b"\x00\x01Hello, world 12345")
    page = await surf(lab.path)
    await page.locator(".row-in").click()
    await expect(page.locator(".dump-offset")).to_have_text(["0000", "0010"])
    await expect(page.locator(".dump-hex").first).to_have_text(
        "00 01 48 65 6c 6c 6f 2c 20 77 6f 72 6c 64 20 31".replace(" ", "")
    )
    await expect(page.locator(".dump-text").first).to_have_text("··Hello, world 1")
    await page.locator(".dump-text i").nth(2).hover()
    await page.mouse.down()
    await page.locator(".dump-text i").nth(5).hover()
    await page.mouse.up()
    await expect(page.locator(".dump-hex i.is-picked")).to_have_text(["48", "65", "6c", "6c"])
    await expect(page.locator(".dump-status")).to_have_text(
        "0x2–0x5 · 4 B · = 1214606444 big-endian, 1819043144 little-endian"
    )


async def test_json_is_a_tree(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b'{"device": "<b>7</b>", "deep": {"list": [1, null, true]}}')
    page = await surf(lab.path)
    await page.locator(".row-in").click()
    await page.get_by_role("button", name="JSON").click()
    await expect(page.locator(".tree")).to_contain_text('"device": "<b>7</b>"')
    await expect(page.locator(".tree b")).to_have_count(0)
    await page.locator(".tree summary", has_text="list").click()
    await expect(page.locator(".tree-null")).to_be_visible()


async def test_a_message_is_copied_as_text_hex_and_base64(surf: Surf, served) -> None:
    lab = served("echo")
    lab.send(b"Hi\r\n")
    page = await surf(lab.path, permissions=["clipboard-read", "clipboard-write"])
    await page.locator(".row-in").click()
    for word, copied in (("text", "Hi\r\n"), ("hex", "48 69 0d 0a"), ("base64", "SGkNCg==")):
        await page.locator(".copiers").get_by_role("button", name=word).click()
        await expect(page.locator(".copiers .copied").last).to_be_visible()
        assert await clipboard(page) == copied


async def test_a_long_message_is_fetched_whole_and_folded(surf: Surf, served) -> None:
    lab = served("sink")
    lab.send(b"x" * 10_000)
    page = await surf(lab.path)
    await page.locator(".row-in").click()
    await expect(page.locator(".facts")).to_contain_text("10,000 B")
    await expect(page.locator(".dump-line")).to_have_count(256)
    await page.get_by_role("button", name="5,904 more bytes").click()
    await expect(page.locator(".dump-line")).to_have_count(625)


async def test_a_permalink_leads_to_its_message_however_old(surf: Surf, served) -> None:
    lab = served("sink")
    lab.send(*(b"%d" % number for number in range(1, 901)))
    await lab.stored(900)
    page = await surf(f"{lab.path}#17")
    await expect(page.locator(".inspect-head")).to_contain_text("#17")
    await expect(page.locator(".entry[aria-selected] .r-text")).to_have_text("17")
    await expect(page.locator("[data-pause]")).to_have_text("Resume", use_inner_text=True)


async def test_keys_walk_the_rows_and_close_the_inspector(surf: Surf, served) -> None:
    lab = served("sink")
    lab.send(b"one", b"two", b"three")
    page = await surf(lab.path)
    await expect(page.locator(".row-in")).to_have_count(3)
    await page.keyboard.press("k")
    await expect(page.locator(".entry[aria-selected] .r-text")).to_have_text("three")
    await page.keyboard.press("k")
    await page.keyboard.press("k")
    await page.keyboard.press("j")
    await expect(page.locator(".entry[aria-selected] .r-text")).to_have_text("two")
    await expect(page.locator(".facts")).to_contain_text("3 B")
    await page.keyboard.press("Escape")
    await expect(page.locator(".inspect")).to_be_hidden()
    await expect(page.locator(".talk")).to_be_visible()
