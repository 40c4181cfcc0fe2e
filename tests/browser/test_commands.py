"""Remote commands in a real browser: type, watch, cancel, several targets at once, who may what, and output that is hostile."""

import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Served, Surf, ask
from tests.browser.harm import harm, watch
from tests.browser.test_pages import faults
from tests.browser.test_screenshots import picture
from tests.hostile import corpus
from tests.sockpanel.panel import Panel

ESCAPES = [
    r"\033[1;32mgreen\033[0m",
    r"\033]0;owned\007",
    r"\033[2J\033[H\033[?1049h",
    r"\033]8;;http://192.0.2.1/\033\\link",
    r"\033]52;c;b3duZWQ=\007",
    r"safe\revil",
    "<img src=x onerror=alert(1)>",
]
OTHER_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"  # RFC 8032, 7.1, test 1
FIRST_BYTE = 0.150  # seconds from Enter to the first byte on the page
QUICK = 5  # so many are to be that quick
TRIES = 20

Make = Callable[..., Served]


@pytest.fixture(scope="module")
def commander() -> Iterator[Panel]:
    """A panel of its own, with remote commands switched on, an operator and a viewer."""
    panel = Panel()
    panel.start()
    assert panel.manage("remote_commands", "on").returncode == 0
    words = "User.objects.create_user({name!r}, password={password!r}, role={role!r})"
    people = (("otto", "operator"), ("vera", "viewer"))
    made_up = "; ".join(words.format(name=name, password=panel.password, role=role) for name, role in people)
    made = panel.manage("shell", "-c", f"from sockpanel.accounts.models import User; {made_up}")
    assert made.returncode == 0, made.stderr
    yield panel
    panel.end()


@pytest.fixture
def lab(commander: Panel, served: Make) -> Iterator[Callable[..., Served]]:
    """Makes running remote-command servers: lab(shell=True); gone at the end."""
    made: list[Served] = []

    def make(**options: Any) -> Served:
        made.append(served("command", at=commander, options={"commands": COMMANDS, **options}))
        return made[-1]

    yield make
    for server in made:
        ask(commander, "DELETE", f"/servers/{server.name}")


COMMANDS = [
    {
        "id": "uname",
        "program": "/usr/bin/uname",
        "arguments": [{"name": "what", "choices": ["-a", "-s", "-n"], "optional": True, "many": 3}],
        "explains": "The system",
    },
    {"id": "sleep", "program": "/usr/bin/sleep", "arguments": [{"name": "seconds", "low": 0, "high": 100}]},
    {"id": "seq", "program": "/usr/bin/seq", "arguments": [{"name": "last", "low": 1, "high": 1_000_000}], "output_bytes": 8_000_000},
    {"id": "printf", "program": "/usr/bin/printf", "arguments": ["%b\\n", {"name": "text", "pattern": "(?s).*"}]},
    {"id": "nowhere", "program": "/usr/bin/ls", "arguments": ["/nowhere"]},
]  # fmt: skip


@pytest.fixture
def terminal(surf: Surf, commander: Panel) -> Callable[..., Awaitable[Page]]:
    """Opens the Commands page with these servers chosen."""

    async def open_page(*servers: Served, **words: Any) -> Page:
        query = "&".join(f"server={server.name}" for server in servers) or "another=1"
        page = await surf(f"/commands/?{query}", at=commander, **words)
        await expect(page.locator(".pane .xterm-screen")).to_have_count(len(servers))
        return page

    return open_page


def pane(page: Page, server: Served) -> Locator:
    return page.locator(".pane", has=page.get_by_role("heading", name=server.name, exact=True))


def rows(place: Locator) -> Locator:
    return place.locator(".xterm-rows")


async def run(page: Page, line: str) -> None:
    await page.fill("[data-line]", line)
    await page.press("[data-line]", "Enter")


async def test_a_line_is_run_and_what_it_writes_is_there(terminal, lab, commander: Panel) -> None:
    server = lab()
    page = await terminal(server)
    await run(page, "uname -s")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
    await expect(rows(pane(page, server))).to_contain_text("$ uname -sLinux")
    await expect(pane(page, server).locator("[data-figures]")).to_have_text(re.compile(r"^\d+\.\d{3} s, 6 B$"))
    await expect(page.locator("[data-past] tbody tr").first).to_contain_text("uname -s")
    await expect(page.locator("[data-line]")).to_have_value("")
    await page.press("[data-line]", "ArrowUp")
    await expect(page.locator("[data-line]")).to_have_value("uname -s")


async def test_stderr_can_be_told_apart_and_a_failure_is_red(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    await run(page, "nowhere")
    await expect(pane(page, server).locator("[data-outcome].pill-bad")).to_have_text("exit 2")
    written = rows(pane(page, server)).get_by_text("No such file or directory")
    assert await written.evaluate("node => getComputedStyle(node).fontStyle") == "italic"


async def test_a_command_is_cancelled_while_it_runs(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    await run(page, "sleep 60")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("runs")
    await run(page, "uname")
    await expect(page.locator("[data-problem]")).to_contain_text("still runs the last line")
    await pane(page, server).get_by_role("button", name="Cancel").click()
    await expect(pane(page, server).locator("[data-outcome].pill-bad")).to_contain_text("ended:")
    await pane(page, server).get_by_role("button", name="Run again").click()
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("runs")


async def test_output_streams_without_an_end_to_the_screen(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    await run(page, "seq 1000000")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
    await expect(rows(pane(page, server))).to_contain_text("1000000[exit 0")


async def test_two_targets_stand_side_by_side(terminal, lab) -> None:
    one, two = lab(), lab()
    page = await terminal(one, two)
    await run(page, "uname -n")
    for server in (one, two):
        await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
    boxes = [await pane(page, server).bounding_box() for server in (one, two)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]


async def test_on_a_phone_they_stand_one_above_the_other_and_nothing_is_wider(terminal, lab) -> None:
    one, two = lab(shell=True), lab()
    page = await terminal(one, two, width=390)
    await run(page, "printf " + "x" * 200)
    for server in (one, two):
        await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
    boxes = [await pane(page, server).bounding_box() for server in (one, two)]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    for path in (page.url, "/commands/keys/"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path


async def test_suggestions_come_from_the_allow_list(terminal, lab) -> None:
    page = await terminal(lab())
    await page.fill("[data-line]", "una")
    await expect(page.locator(".offer")).to_contain_text(["uname"])
    await page.press("[data-line]", "Tab")
    await expect(page.locator("[data-line]")).to_have_value("uname ")
    await expect(page.locator("[data-usage]")).to_contain_text("The system")
    await page.get_by_role("button", name="-s").click()
    await expect(page.locator("[data-line]")).to_have_value("uname -s ")


async def test_what_is_not_allowed_is_told_in_a_sentence(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    await run(page, "rm -rf /")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("failed")
    await expect(rows(pane(page, server))).to_contain_text("SP-5003")
    await run(page, "sleep 101")
    await expect(rows(pane(page, server))).to_contain_text("SP-5004")


async def test_captured_escapes_colour_and_do_nothing_else(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    title = await page.title()
    for text in ESCAPES:
        await run(page, f"printf '{text}'")
        await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
        await expect(page.locator("[data-line]")).to_have_value("")
        await page.wait_for_load_state()
    shown = rows(pane(page, server))
    await expect(shown).to_contain_text("\\x1b]0;owned\\x07")
    await expect(shown).to_contain_text("\\x1b[2J\\x1b[H\\x1b[?1049h")
    await expect(shown).to_contain_text("safe\\revil")
    assert await page.title() == title
    assert await page.locator(".xterm a, .xterm img").count() == 0
    green = shown.get_by_text("green", exact=True)
    assert await green.evaluate("node => getComputedStyle(node).color") != await shown.evaluate(
        "node => getComputedStyle(node).color"
    )


async def test_a_command_has_a_page_of_its_own(terminal, lab, surf: Surf, commander: Panel) -> None:
    server = lab()
    page = await terminal(server)
    await run(page, "nowhere")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 2")
    address = await pane(page, server).locator("[data-permalink]").get_attribute("href")
    await page.goto(address)
    await expect(rows(page.locator(".pane"))).to_contain_text("No such file or directory")
    plain = await surf(address, at=commander, script=False)
    await expect(plain.locator("[data-kept]")).to_contain_text("No such file or directory")


async def test_the_history_is_searched_and_filtered(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    for line in ("uname -s", "printf needle"):
        await run(page, line)
        await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
        await expect(page.locator("[data-past] tbody tr").first).to_contain_text(line)
    await page.goto(f"/commands/?q=needle&where={server.name}")
    await expect(page.locator("[data-past] tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="into the command line again").click()
    await expect(page.locator("[data-line]")).to_have_value("printf needle")


async def test_the_shell_is_for_admins_and_red(terminal, lab, surf: Surf, commander: Panel) -> None:
    server = lab(shell=True)
    page = await terminal(server)
    await page.get_by_text("Shell", exact=True).click()
    await expect(page.locator(".order.is-shell [data-prompt]")).to_have_text("#")
    await run(page, "echo one | tr o 0 && exit 3")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 3")
    await expect(rows(pane(page, server))).to_contain_text("0ne")
    theirs = await surf("/login/", at=commander, signed_in=False)
    await theirs.fill("[name=username]", "otto")
    await theirs.fill("[name=password]", commander.password)
    await theirs.get_by_role("button", name="Sign in").click()
    await expect(theirs.locator(".bar")).to_be_visible()
    await theirs.goto("/commands/")
    await expect(theirs.locator("[data-line]")).to_be_visible()
    await expect(theirs.locator("[data-mode]")).to_have_count(0)
    refused = await theirs.evaluate(ASK, {"server": server.name, "shell": "id", "wait": False})
    assert refused == 403
    assert (await theirs.goto("/commands/keys/")).status == 403


async def test_a_viewer_sees_that_it_runs_and_not_what(lab, surf: Surf, commander: Panel) -> None:
    server = lab()
    assert (
        ask(commander, "POST", "/commands", {"server": server.name, "argv": ["printf", "not-for-vera"]}).status == 200
    )
    page = await surf("/login/", at=commander, signed_in=False)
    await page.fill("[name=username]", "vera")
    await page.fill("[name=password]", commander.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".bar")).to_be_visible()
    for path in ("/servers/", server.path):
        await page.goto(path)
        assert "not-for-vera" not in await page.content()
    await expect(page.get_by_text("is for operators")).to_be_visible()
    await picture(page, "withheld", "light")
    ask(commander, "POST", f"/servers/{server.name}/stop")
    await expect(page.locator(".server-head")).to_have_attribute("data-state", "STOPPED")  # live, all the same


ASK = """async (words) => {
  const headers = {"X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, "Content-Type": "application/json"};
  return (await fetch("/api/v1/commands", {method: "POST", headers, body: JSON.stringify(words)})).status;
}"""


async def test_another_server_is_reached_by_its_address_and_key(terminal, lab) -> None:
    server = lab()
    page = await terminal()
    await page.goto(server.path)
    key = await page.locator(".talk .line pre").first.inner_text()
    await page.goto(f"/commands/?another=1&host=127.0.0.1&port={server.port}&key={key}")
    await run(page, "uname -s")
    await expect(page.locator(".pane [data-outcome]")).to_have_text("exit 0")
    await page.fill("[name=key]", OTHER_KEY)
    await run(page, "uname -s")
    await expect(page.locator(".pane", has_text="SP-5010")).to_be_visible()
    await page.fill("[name=key]", "no key")
    await run(page, "uname -s")
    await expect(page.locator("[data-problem-for=key]")).to_contain_text("64 hex digits")


async def test_without_script_a_line_is_run_to_its_end(surf: Surf, lab, commander: Panel) -> None:
    server = lab()
    page = await surf(f"/commands/?server={server.name}", at=commander, script=False)
    await page.fill("[name=line]", "uname -s")
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("h1")).to_have_text("uname -s")
    await expect(page.locator("[data-kept]")).to_have_text("Linux")


async def test_a_key_is_made_shown_once_restricted_and_revoked(surf: Surf, commander: Panel) -> None:
    page = await surf("/commands/keys/", at=commander, own_session=True)  # no older than the password has to be
    await page.get_by_text("Make one here").click()
    await expect(page.locator("[name=public]")).to_be_hidden()
    await page.fill("[name=name]", "meter-7")
    await page.get_by_role("button", name="Register").click()
    await expect(page.locator("[data-private]")).to_contain_text("PRIVATE KEY")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "meter-7.key"
    await page.goto("/commands/keys/")
    assert "PRIVATE" not in await page.content()
    row = page.locator(".keys-list tbody tr", has_text="meter-7")
    await row.locator("summary").click()
    await row.get_by_role("link", name="Change").click()
    await page.fill("[name=sources]", "192.0.2.0/24, ::1")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("192.0.2.0/24, ::1")
    await row.locator("summary").click()
    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_role("button", name="Revoke meter-7").click()
    await expect(row).to_contain_text("revoked")


async def test_a_banner_stands_on_every_page_while_a_server_runs(surf: Surf, lab, commander: Panel) -> None:
    server = lab(shell=True)
    page = await surf("/servers/", at=commander)
    for path in ("/servers/", "/client/", "/commands/", server.path):
        await page.goto(path)
        await expect(page.locator("[data-standing]")).to_contain_text(server.name)
        await expect(page.locator("[data-standing] .pill")).to_have_text("shell")
    ask(commander, "POST", f"/servers/{server.name}/stop")
    await page.evaluate("document.dispatchEvent(new Event('app:supervisor'))")  # it looks every ten seconds by itself
    await expect(page.locator("[data-standing]")).to_be_hidden()


async def test_keys_lead_there(surf: Surf, commander: Panel) -> None:
    page = await surf("/client/", at=commander)
    await page.locator("h1").click()
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await expect(page).to_have_url(re.compile("/commands/$"))


@pytest.fixture
def hostile() -> Iterator[Path]:
    """A file that the commands' user may read, which he may not where pytest keeps its own."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(corpus()))
        file.flush()
        Path(file.name).chmod(0o644)
        yield Path(file.name)


async def test_nothing_that_a_command_writes_is_more_than_text(terminal, lab, hostile: Path) -> None:
    server = lab(commands=[{"id": "cat", "program": "/usr/bin/cat", "arguments": [str(hostile)]}])
    page = await terminal(server)
    await watch(page)
    await page.reload()
    await run(page, "cat")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 0")
    assert await harm(page) == []
    await page.goto(await pane(page, server).locator("[data-permalink]").get_attribute("href"))
    await expect(page.locator("[data-kept]")).to_contain_text("alert(1)")
    assert await harm(page) == []
    await page.goto(f"{server.path}history/")
    assert await harm(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_keep_nobody_out(terminal, lab, scheme: str) -> None:
    server = lab(shell=True)
    page = await terminal(server, color_scheme=scheme)
    await run(page, "nowhere")
    await expect(pane(page, server).locator("[data-outcome]")).to_have_text("exit 2")
    found = await faults(page)
    address = await pane(page, server).locator("[data-permalink]").get_attribute("href")
    for path in (address, "/commands/keys/", server.path, f"{server.path}history/", f"{server.path}settings/"):
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        found += await faults(page)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
async def test_pictures(terminal, lab, look: str) -> None:
    one, two = lab(shell=True), lab()
    words = {"width": 390} if look == "phone" else {"color_scheme": look}
    page = await terminal(one, two, **words)
    for line in ("uname -a", f"printf '{ESCAPES[0]} {ESCAPES[1]}'", "nowhere"):
        await run(page, line)
        for server in (one, two):
            await expect(pane(page, server).locator("[data-outcome]")).to_contain_text("exit")
    await picture(page, "commands", look)
    address = await pane(page, one).locator("[data-permalink]").get_attribute("href")
    for word, path in (("command", address), ("keys", "/commands/keys/"), ("command-settings", f"{one.path}settings/")):
        await page.goto(path)
        await picture(page, word, look)


@pytest.mark.alone
@pytest.mark.timeout(240)
async def test_the_first_byte_is_there_soon_after_enter(terminal, lab) -> None:
    server = lab()
    page = await terminal(server)
    times, quick = list[float](), list[float]()
    while len(quick) < QUICK and len(times) < TRIES:
        await pane(page, server).get_by_role("button", name="Clear").click()
        times.append(await page.evaluate(WATCH))
        rests = page.locator("[data-past] tbody tr", has_text=server.name)
        await expect(rests).to_have_count(len(times))
        quick = [time for time in times if time < FIRST_BYTE * 1000]
    assert len(quick) == QUICK, times


WATCH = """() => new Promise((resolve) => {
  const line = document.querySelector("[data-line]");
  const screen = document.querySelector(".xterm-rows");
  line.value = "uname -s";
  const begun = performance.now();
  const seen = new MutationObserver(() => {
    if (!screen.textContent.includes("Linux")) return;
    seen.disconnect();
    resolve(performance.now() - begun);
  });
  seen.observe(screen, { childList: true, subtree: true, characterData: true });
  line.form.requestSubmit();
})"""
