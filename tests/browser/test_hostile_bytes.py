"""Bytes that try to be more than bytes, over real sockets into every place that shows them: they are text there and nothing else."""

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.async_api import Page, expect

from sockpanel.templatetags.shown import head
from sockpanel.visible import visible
from tests.browser.conftest import Served, Surf, ask
from tests.browser.harm import harm, watch
from tests.hostile import corpus, texts
from tests.ports import free_port

FRAMED = {"framing": {"type": "length", "size": 4, "max_bytes": 1_000_000}, "reply": {"type": "none"}}
AT_ONCE = 100

# Every row that the list draws on the way from its beginning to its end: number -> what it says
ROWS = """async (last) => {
  const list = document.querySelector("[data-list]");
  const found = {};
  const turn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  list.scrollTop = 0;
  for (let step = 0; step < 500 && !(last in found); step++) {
    await turn();
    for (const node of list.querySelectorAll("[data-seq]")) found[node.dataset.seq] = node.querySelector(".r-text").textContent;
    list.scrollTop += list.clientHeight / 2;
  }
  return found;
}"""


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


async def captured(lab: Served, messages: list[bytes], page: Page | None = None) -> None:
    """Sent by a TCP client, each as a message, and stored; no faster than the page, if there is one, shows them."""
    client = lab.connect()
    for start in range(0, len(messages), AT_ONCE):
        await asyncio.to_thread(client.sendall, framed(*messages[start : start + AT_ONCE]))
        sent = min(start + AT_ONCE, len(messages))
        await lab.stored(sent)
        if page:
            await expect(page.locator("[data-list]")).to_have_attribute("aria-rowcount", str(sent + 1))


async def opened(surf: Surf, path: str, **words: object) -> Page:
    page = await surf("/healthz", **words)
    await watch(page)
    await page.goto(path)
    return page


async def test_every_one_is_text_in_the_live_view_and_says_what_it_is(surf: Surf, served) -> None:
    lab, messages = served("echo", **FRAMED), corpus()
    page = await opened(surf, lab.path)
    await captured(lab, messages, page)
    shown = await page.evaluate(ROWS, len(messages))
    assert shown == {str(seq): visible(head(data)) for seq, data in enumerate(messages, 1)}
    assert await harm(page) == []
    await page.click("[data-view=mixed]")
    assert len(await page.evaluate(ROWS, len(messages))) == len(messages)
    assert await harm(page) == []


@pytest.mark.parametrize("part", [slice(-200, -100), slice(-100, None)], ids=["first", "last"])
async def test_the_page_without_script_shows_them_the_same_way(surf: Surf, served, part: slice) -> None:
    lab, messages = served("echo", **FRAMED), corpus()[part]
    await captured(lab, messages)
    page = await surf(lab.path, script=False)
    assert await page.locator(".row-in .r-text").all_inner_texts() == [visible(head(data)) for data in messages]
    assert await harm(page) == []


async def test_the_inspector_shows_all_of_a_message_as_text_hex_and_tree(surf: Surf, served) -> None:
    lab = served("echo", **FRAMED, limits={"keep_bytes": 1_000_000})
    every = b"\n".join(corpus())
    await captured(lab, [every, json.dumps({text: [text] for text in texts()}).encode()])
    page = await opened(surf, lab.path)
    inspect = page.locator("[data-inspect]")
    await page.locator(".row-in").first.click()
    await inspect.get_by_role("button", name="Text", exact=True).click()
    await inspect.get_by_role("button", name=f"Show all {len(every):,} bytes").click()
    await expect(page.locator(".inspect-more")).to_have_count(0)
    assert await page.locator(".inspect-text").text_content() == visible(every)
    await inspect.get_by_role("button", name="Hex", exact=True).click()
    await inspect.get_by_role("button", name="more bytes").click()
    assert await harm(page) == []
    await page.locator(".row-in").last.click()
    await inspect.get_by_role("button", name="JSON", exact=True).click()
    await expect(page.locator(".tree")).to_contain_text("alert(1)")
    assert await harm(page) == []


async def test_the_last_message_on_the_home_page_is_text(surf: Surf, served) -> None:
    page = await opened(surf, "/servers/")
    labs = [served("echo", **FRAMED) for _ in range(2)]
    for lab, data in zip(
        labs, (b"<img src=x onerror=alert(1) class=harm>", "\u202e\x1b[2J<b class=harm>".encode()), strict=True
    ):
        await captured(lab, [data])
        await expect(page.locator(f"tr[data-name={lab.name}] [data-last] .bytes")).to_have_text(visible(data))
    assert await harm(page) == []
    await page.reload()
    assert await harm(page) == []


async def test_the_client_page_shows_what_came_back_as_text(surf: Surf, served) -> None:
    lab, every = served("echo"), b"\n".join(corpus())
    page = await opened(surf, f"/client/?host=127.0.0.1&port={lab.port}")
    await page.check("[name=encoding][value=hex]", force=True)
    await page.fill("[name=data]", every.hex())
    await page.locator("[data-client] button[type=submit]").click()
    back = page.locator(".piece-in [data-bytes]")
    await expect(back.first).to_be_visible()
    while await page.get_by_role("button", name="Show all").count():
        await page.get_by_role("button", name="Show all").first.click()
    pieces = await back.all_text_contents()
    assert "".join(pieces).count("alert(1)") == visible(every).count("alert(1)")
    assert await harm(page) == []


async def test_the_name_of_a_peer_is_text(surf: Surf, served, tmp_path: Path, monkeypatch) -> None:
    """A UNIX sender's name is words of a stranger."""
    lab = served("upper-udp", transport="unix-dgram", host=str(tmp_path / "lab.sock"), port=None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        monkeypatch.chdir(tmp_path)  # a path may have 107 bytes
        stranger.bind("\u202e\x1b[2J<img src=x onerror=alert(1) class=harm>")
        stranger.sendto(b"hi", str(tmp_path / "lab.sock"))
        await lab.stored(1)
    page = await opened(surf, lab.path)
    await expect(page.locator(".row-in")).to_have_count(1)
    assert await harm(page) == []
    for tab in ("connections", "history", "traffic", "settings"):
        await page.goto(f"{lab.path}{tab}/")
        assert await harm(page) == []


async def test_what_people_write_themselves_is_text(surf: Surf, served, panel) -> None:
    """Notes, the text of a reply, the path of a server that cannot be opened."""
    evil = "\u202e\x1b[2J</script><img src=x onerror=alert(1) class=harm>{{7*7}}"
    lab = served("echo", notes=evil, reply={"type": "fixed", "text": evil.replace("\x1b", "\\x1b")}, port=free_port())
    page = await opened(surf, lab.path)
    for path in ("", "settings/", "history/", "traffic/", "connections/"):
        await page.goto(f"{lab.path}{path}")
        assert await harm(page) == []
    for path in (
        "/servers/",
        f"/servers/?q={evil}",
        f"/client/?host={evil}&port={evil}&data={evil}",
        f"/nowhere/{evil}",
        f"/servers/{evil}/",
    ):
        await page.goto(path)
        assert await harm(page) == []
    refused = ask(panel, "PATCH", f"/servers/{lab.name}", {"host": evil})
    assert refused.status in (400, 409, 422)
    await page.goto(f"{lab.path}settings/")
    await page.locator("[name=host]").fill(evil)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".field-problem").first).to_be_visible()
    assert await harm(page) == []


HOSTILE_NAME = "<img src=x onerror=alert(1) class=harm>\u202e\u200b"


async def test_what_a_browser_says_it_is_and_what_somebody_did_is_text(surf: Surf, served, panel) -> None:
    """The User-Agent of a session, the bytes that were sent by hand, a name at the sign-in, the notes of a server."""
    visitor, lab = panel.visitor(), served("echo")
    visitor.headers["User-Agent"] = "<img/src=x/onerror=alert(1)/class=harm>\x9b31m"
    assert visitor.sign_in(panel.username, panel.password).status == 302
    panel.visitor().sign_in(HOSTILE_NAME, "wrong")
    lab.connect()
    sent = ask(panel, "POST", f"/servers/{lab.name}/send", {"data": b"\n".join(corpus()).hex(), "encoding": "hex"})
    assert sent.status == 200, sent.text
    assert ask(panel, "PATCH", f"/servers/{lab.name}", {"notes": HOSTILE_NAME}).status == 200
    page = await opened(surf, "/account/")
    assert await page.locator("[title*=onerror]").count() == 1
    for path in (
        "/account/",
        "/users/",
        "/activity/",
        f"/activity/?server={lab.name}",
        f"/activity/?who={HOSTILE_NAME}",
        f"{lab.path}history/",
    ):
        await page.goto(path)
        assert await harm(page) == [], path


async def test_the_names_in_a_certificate_are_text(surf: Surf, panel) -> None:
    chain, key = certificate_of(HOSTILE_NAME)
    made = ask(panel, "POST", "/certificates", {"name": "hostile", "chain": chain, "key": key})
    try:
        page = await opened(surf, "/certificates/")
        assert await harm(page) == []
        if made.status == 201:
            await expect(page.locator("main")).to_contain_text("onerror=alert(1)")
    finally:
        ask(panel, "DELETE", "/certificates/hostile")


def certificate_of(name: str) -> tuple[str, str]:
    """A certificate whose subject and issuer are this name, and its key, as PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]
    )
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("lab.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), text.decode()
