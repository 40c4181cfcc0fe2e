"""A page of another port of the panel's own host, for which cookies and SameSite make no difference, can do nothing to the panel."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served, Surf, ask
from tests.sockpanel.panel import Panel
from tests.waiting import eventually_async

PAGE = """<!doctype html><title>hostile</title><body><form method="post" action="PANEL/servers/new/">
<input name="preset" value="echo"><input name="name" value="theirs"></form><script>
const panel = "PANEL", said = {};
const words = { method: "POST", mode: "no-cors", credentials: "include", body: JSON.stringify({ preset: "echo", name: "theirs" }) };
const post = (path) => fetch(panel + path, words).then((answer) => answer.type, () => "refused");
const read = (mode) => fetch(panel + "/api/v1/servers", { credentials: "include", mode }).then((a) => a.text(), () => "refused");
const loaded = (tag, path) => new Promise((done) => {
  const node = Object.assign(document.createElement(tag), { onload: () => done("loaded"), onerror: () => done("refused") });
  node.src = panel + path;
  document.body.append(node);
});
const socket = (path) => new Promise((done) => {
  const opened = new WebSocket(panel.replace("http", "ws") + path);
  opened.onopen = () => done("open");
  opened.onerror = () => done("refused");
});
(async () => {
  said.posts = [await post("/servers/new/"), await post("/api/v1/servers"), await post("/logout/")];
  said.reads = [await read("cors"), await read("no-cors")];
  said.script = await loaded("script", "/api/v1/servers");
  said.picture = await loaded("img", "/static/img/sockpanel.svg");
  said.socket = await socket("/ws/panel/");
  await loaded("iframe", "/servers/");
  document.title = "done";
})();
</script>"""


@contextmanager
def foreign(page: str) -> Iterator[str]:
    """Somebody else's web server on this host."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="foreign")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def attack(page: Page, origin: str, panel: Panel) -> None:
    """All that it tries by script is refused, and then a form too."""
    await page.goto(f"{origin}/")
    await expect(page).to_have_title("done")
    said = await page.evaluate("said")
    assert said["posts"] == ["refused"] * 3 or said["posts"] == ["opaque"] * 3, said
    assert (said["reads"], said["script"], said["picture"]) == (["refused", "refused"], "refused", "refused"), said
    assert said["socket"] == "refused"
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]
    before = panel.log().count(f"comes from the origin '{origin}'")
    await page.evaluate("document.forms[0].submit()")
    await expect(page.locator("body")).to_contain_text("SP-1008")
    assert panel.log().count(f"comes from the origin '{origin}'") == before + 1


def names(panel: Panel) -> list[str]:
    return [server["name"] for server in ask(panel, "GET", "/servers").json()["servers"]]


@pytest.fixture
def page_text(panel: Panel) -> str:
    return PAGE.replace("PANEL", panel.base_url)


async def test_a_page_of_another_port_can_do_nothing(surf: Surf, panel: Panel, page_text: str) -> None:
    page = await (await surf("/servers/", own_session=True)).context.new_page()
    with foreign(page_text) as origin:
        await attack(page, origin, panel)
        for path in ("/servers/new/", "/api/v1/servers", "/logout/", "/ws/panel/"):
            assert f"{origin}', which is not a page of this panel. (127.0.0.1, path '{path}')" in panel.log()
    await page.goto("/servers/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith("/servers/")
    assert "theirs" not in names(panel)


async def test_a_page_of_a_managed_server_can_do_nothing(
    surf: Surf, panel: Panel, served: Callable[..., Served], page_text: str
) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    framing = {"type": "delimiter", "delimiter": "\r\n\r\n"}
    hostile = served("over", framing=framing, reply={"type": "fixed", "text": head + page_text})
    page = await (await surf("/servers/", own_session=True)).context.new_page()
    await attack(page, f"http://127.0.0.1:{hostile.port}", panel)
    assert "theirs" not in names(panel)


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
async def test_the_panels_other_names_lead_to_the_panel(chromium: Browser, panel: Panel, host: str) -> None:
    """Chromium looks for localhost at ::1 first: whoever listened there would be the panel."""
    context = await chromium.new_context(base_url=f"http://{host}:{panel.port}")
    try:
        page = await context.new_page()
        answer = await page.goto("/login/")
        assert answer
        assert (await answer.server_addr() or {}).get("ipAddress") == "[::1]"
        await page.fill("[name=username]", panel.username)
        await page.fill("[name=password]", panel.password)
        frames: list[object] = []
        page.on("websocket", lambda opened: opened.on("framereceived", lambda frame: frames.append(frame)))
        await page.click("main button[type=submit]")
        await eventually_async(lambda: frames)
        await expect(page).to_have_url(f"http://{host}:{panel.port}/servers/")
    finally:
        await context.close()
