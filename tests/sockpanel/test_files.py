"""Files leave as fast as they are taken, and who takes them slowly costs next to nothing."""

import contextlib
import re
import socket
from typing import Any

import psutil
import pytest

from sockpanel.guests import SLOW
from tests.sockpanel.panel import Panel
from tests.waiting import eventually

MEGA = 1024 * 1024


@pytest.fixture
def web(start_panel: Any) -> Panel:
    panel: Panel = start_panel(command="web")
    return panel


def style(panel: Panel) -> str:
    """The address of a long file that everybody may have."""
    found = re.search(r'href="(/static/[^"]*tabler[^"]*\.css)"', panel.visitor().get("/login/").text)
    assert found
    return found[1]


def slow_reader(panel: Panel, path: str) -> socket.socket:
    """Asks twice and takes nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", panel.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{panel.port}\r\n\r\n".encode() * 2)
    return client


def test_slow_readers_cost_little_memory_and_no_more_threads_than_there_may_be_of_them(web: Panel) -> None:
    path, process = style(web), psutil.Process(web.process.pid)
    assert len(web.visitor().get(path).body) > MEGA / 2
    before, threads = process.memory_info().rss, process.num_threads()
    with contextlib.ExitStack() as readers:
        for _ in range(2 * SLOW):
            readers.enter_context(slow_reader(web, path))
        eventually(lambda: process.num_threads() <= threads + SLOW + 10, 40)
        assert web.visitor().get("/login/").status == 200
        assert process.memory_info().rss - before < 100 * MEGA
    eventually(lambda: process.num_threads() <= threads + 10, 40)
    eventually(lambda: process.num_fds() < 60, 40)
    eventually(lambda: not [one for one in process.open_files() if one.path.endswith(".css")], 40)


def test_a_file_comes_whole_in_parts_and_once_more_on_the_same_connection(web: Panel) -> None:
    path, visitor = style(web), web.visitor()
    whole = visitor.get(path)
    part = visitor.get(path, Range="bytes=100000-299999")
    assert (whole.status, part.status) == (200, 206)
    assert whole.body[100_000:300_000] == part.body
    assert visitor.get(path, **{"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
