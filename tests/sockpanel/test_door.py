"""More connections than the process has file descriptors: some wait, nobody is harmed."""

import asyncio
import contextlib
import resource
import select
import socket
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from sockpanel.door import capacity
from tests.ports import addresses_of_localhost
from tests.sockpanel import attackers
from tests.sockpanel.serving import Polite, serving
from tests.waiting import eventually

DESCRIPTORS = 256
MOST = capacity(DESCRIPTORS).connections


@pytest.fixture
def narrow() -> Iterator[Polite]:
    """A process with few file descriptors."""
    with serving(f"descriptors={DESCRIPTORS}") as polite:
        yield polite


@pytest.fixture
def many() -> Iterator[contextlib.ExitStack]:
    """Connections of the test itself, closed at its end."""
    with contextlib.ExitStack() as stack:
        yield stack


def test_there_are_descriptors_to_spare_whatever_the_limit():
    for limit in (256, 512, 1024, 20_000):
        connections, turns, slow = capacity(limit)
        assert connections + turns * 8 + slow + 64 <= limit
    assert capacity(20_000) == (6_000, 64, 100)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 400  # of this process, for the tests below


def test_connections_that_ask_for_nothing_take_nobodys_place(narrow: Polite, many: contextlib.ExitStack):
    for _ in range(400):
        many.enter_context(connected(narrow))
    for _ in range(20):
        assert narrow.get("/taken") == b"0"
    assert descriptors(narrow) < DESCRIPTORS - 64
    assert len(narrow.log()) <= 5


def test_when_all_places_are_taken_the_others_wait_and_those_inside_notice_nothing(
    narrow: Polite, many: contextlib.ExitStack
):
    inside = [websocket(narrow, many) for _ in range(MOST - 1)]
    last = websocket(narrow, many)
    outside = [many.enter_context(connected(narrow)) for _ in range(400 - MOST)]
    process = psutil.Process(narrow.process.pid)
    busy, began = sum(process.cpu_times()[:2]), time.monotonic()
    delays = sorted(echo(inside[number % len(inside)]) for number in range(100))
    assert delays[98] < 0.1
    spent, took = sum(process.cpu_times()[:2]) - busy, time.monotonic() - began
    assert spent < 0.2 * max(took, 1.0)
    assert descriptors(narrow) < DESCRIPTORS - 64
    for leaving in [*outside, last, *inside[:20]]:
        leaving.close()
    left = time.monotonic()
    assert narrow.get("/taken") == b"0"
    assert time.monotonic() - left < 2.0
    assert len(narrow.log()) <= 20


def test_both_addresses_share_the_places_and_both_let_in_again(narrow: Polite, many: contextlib.ExitStack):
    inside = [websocket(narrow, many) for _ in range(MOST)]
    asking = b"GET /taken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    outside = [
        many.enter_context(socket.create_connection((host, narrow.port), 10)) for host in addresses_of_localhost()
    ]
    for waiting in outside:
        waiting.sendall(asking)
    assert select.select(outside, [], [], 0.3)[0] == []  # the panel is full for both
    for leaving in inside[:20]:
        leaving.close()
    for waiting in outside:
        assert waiting.recv(12) == b"HTTP/1.1 200"


def connected(polite: Polite) -> socket.socket:
    return socket.create_connection(("127.0.0.1", polite.port), timeout=10)


def websocket(polite: Polite, many: contextlib.ExitStack) -> ClientConnection:
    return many.enter_context(connect(f"ws://127.0.0.1:{polite.port}/", open_timeout=10))


def echo(inside: ClientConnection) -> float:
    began = time.monotonic()
    inside.send("hello")
    assert inside.recv(timeout=5) == "hello"
    return time.monotonic() - began


def descriptors(polite: Polite) -> int:
    return psutil.Process(polite.process.pid).num_fds()


def test_a_client_that_talks_without_end_is_read_no_faster_than_it_is_heard(narrow: Polite):
    process = psutil.Process(narrow.process.pid)
    with connect(f"ws://127.0.0.1:{narrow.port}/", max_queue=None) as chatty:
        chatty.send("wait")
        before = process.memory_info().rss
        chatty.socket.settimeout(1)
        with contextlib.suppress(TimeoutError, OSError):
            while True:
                chatty.socket.sendall(FRAME)
        assert process.memory_info().rss - before < 16 * 1024 * 1024


FRAME = b"\x81\xfe\xea\x60\0\0\0\0" + b"x" * 60_000  # a masked text frame


async def test_people_notice_nothing_of_a_hundred_bad_clients(start_panel: Any):
    """The whole panel: drips, silence, half requests and slow readers, again and again; no error, and the slowest in half a second."""
    panel = await asyncio.to_thread(start_panel, command="web")
    path = "/static/css/base.css"
    async with attackers.crowd(panel.port, 100, path):
        delays = [await visit(panel) for _ in range(50)]
    assert sorted(delays)[48] < 0.5


async def visit(panel: Any) -> float:
    began = time.monotonic()
    answer = await asyncio.to_thread(panel.visitor().get, "/login/")
    assert answer.status == 200
    return time.monotonic() - began


def test_places_are_free_again_when_everybody_has_left(narrow: Polite):
    with contextlib.ExitStack() as many:
        for _ in range(MOST):
            websocket(narrow, many)
    eventually(lambda: descriptors(narrow) < 60)
    assert narrow.get("/taken") == b"0"


async def test_a_panel_with_few_descriptors_answers_two_hundred_people_at_once(start_panel: Any):
    """Each request takes a thread and both databases: they take turns, and none fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    try:
        panel = await asyncio.to_thread(start_panel, command="web")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    most, over = 0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not over.is_set():
            most = max(most, psutil.Process(panel.process.pid).num_fds())
            await asyncio.sleep(0.01)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(watch())
        answers = await asyncio.gather(*(ask(panel.port) for _ in range(200)))
        over.set()
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * 200
    assert most < DESCRIPTORS - 32
    assert "open files" not in panel.log()


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    try:
        return await reader.read()
    finally:
        writer.close()
