"""Certificates in the browser: read from files, made on the spot for a server, renewed while its clients stay connected."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.browser.conftest import Surf, ask
from tests.ports import free_port
from tests.services.tls.making import pair
from tests.sockpanel.panel import Panel
from tests.waiting import eventually_async


async def test_a_pair_is_read_from_files_and_only_what_has_a_meaning_is_asked(surf: Surf, tmp_path: Path) -> None:
    own = pair()
    (tmp_path / "chain.pem").write_text(own.chain)
    (tmp_path / "key.pem").write_text(own.key_text)
    page = await surf("/certificates/", own_session=True)
    await expect(page.get_by_label("For these names")).to_be_visible()
    await expect(page.get_by_label("Private key", exact=True)).to_be_hidden()
    await page.get_by_text("Brought with its key").click()
    await expect(page.get_by_label("For these names")).to_be_hidden()
    for name, label in (("chain", "certificates"), ("key", "private key")):
        await page.get_by_label(f"Read {label} from a file").set_input_files(tmp_path / f"{name}.pem")
        await expect(page.locator(f"#c-{name}")).to_have_value(own.chain if name == "chain" else own.key_text)
    await page.get_by_label("Name", exact=True).fill("from-files")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.locator("tr", has_text="from-files")).to_contain_text("127.0.0.1")
    await page.locator("tr", has_text="from-files").locator("summary").click()
    await page.locator("tr", has_text="from-files").get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Remove from-files").click()
    await expect(page.locator("tr", has_text="from-files")).to_have_count(0)


async def test_without_script_it_is_asked_before_one_is_removed_and_can_be_kept(surf: Surf, panel: Panel) -> None:
    pem = await asyncio.to_thread(lambda: ask(panel, "POST", "/certificates", {"name": "unwanted"}).json()["chain"])
    assert pem.startswith("-----BEGIN")
    page = await surf("/certificates/", script=False, own_session=True)
    dialog = page.locator("dialog#remove-unwanted")
    for answer in ("Keep it", "Remove unwanted"):
        await expect(dialog).to_be_hidden()
        row = page.locator("tr", has_text="unwanted")
        await row.locator("summary").click()
        await row.get_by_role("button", name="Remove").click()
        await expect(dialog).to_be_in_viewport()
        await dialog.get_by_role("button", name=answer).click()
    await expect(page.locator("tr", has_text="unwanted")).to_have_count(0)


async def test_what_asks_is_opened_by_a_blank_as_any_button_is(surf: Surf, panel: Panel) -> None:
    await asyncio.to_thread(ask, panel, "POST", "/certificates", {"name": "anything"})  # the authority is made with it
    page = await surf("/certificates/", own_session=True)
    await page.get_by_role("button", name="Make it anew").focus()
    await page.keyboard.press("Space")
    await expect(page.locator("dialog.sheet:modal")).to_be_visible()


async def test_a_server_gets_a_certificate_with_its_form_and_another_while_a_client_stays(
    surf: Surf, panel: Panel
) -> None:
    page = await surf("/servers/new/?preset=echo", own_session=True)
    port = free_port()
    await page.locator("#f-name").fill("secret")
    await page.locator("#f-port").fill(str(port))
    await page.get_by_text("Encryption (TLS)").click()
    await page.locator("#f-tls-mode").select_option("on")
    await expect(page.locator("#f-tls-client-ca")).to_be_hidden()
    await page.get_by_role("button", name="Create and start").click()
    await expect(page.locator("h1")).to_contain_text("secret")
    authority = await asyncio.to_thread(lambda: ask(panel, "GET", "/certificates/sockpanel-ca").json()["chain"])
    try:
        client = await eventually_async(lambda: asyncio.to_thread(connect, port, authority))
        with client:
            assert await asyncio.to_thread(echoed, client) == b"before"
            first = client.getpeercert(binary_form=True)
            await page.goto("/certificates/")
            await page.locator("tr", has_text="secret").locator("summary").click()
            await page.locator("tr", has_text="secret").get_by_role("button", name="Renew").click()
            await expect(page.locator("[data-toasts]")).to_contain_text("secret is renewed")
            await eventually_async(lambda: asyncio.to_thread(lambda: shown(port, authority) != first))
            assert await asyncio.to_thread(echoed, client) == b"before"
    finally:
        ask(panel, "DELETE", "/servers/secret")
        ask(panel, "DELETE", "/certificates/secret")


def connect(port: int, authority: str) -> Any:
    """A client that trusts the panel's authority; None while nothing listens."""
    try:
        plain = socket.create_connection(("127.0.0.1", port), 5)
    except ConnectionRefusedError:
        return None
    return ssl.create_default_context(cadata=authority).wrap_socket(plain, server_hostname="127.0.0.1")


def shown(port: int, authority: str) -> bytes | None:
    with connect(port, authority) as client:
        found: bytes | None = client.getpeercert(binary_form=True)
        return found


def echoed(client: ssl.SSLSocket) -> bytes:
    client.sendall(b"before")
    return client.recv(100)


async def test_what_asks_comes_in_a_tab_of_its_own_where_that_is_wanted(surf: Surf, panel: Panel) -> None:
    await asyncio.to_thread(ask, panel, "POST", "/certificates", {"name": "anything-else"})
    page = await surf("/certificates/", own_session=True)
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Make it anew").click(modifiers=["ControlOrMeta"])
    await expect((await opened.value).locator("dialog#new-authority")).to_be_visible()
    await expect(page.locator("dialog.sheet:modal")).to_have_count(0)
