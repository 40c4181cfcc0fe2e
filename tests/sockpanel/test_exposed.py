"""A real panel whose keys come to one of its servers: what is open with them closes, and the person is told."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.waiting import eventually

WITHIN = 5.0  # seconds
NAME = "exposing"


@pytest.fixture
def port(panel: Panel) -> Iterator[int]:
    """Of a running echo server."""
    admin, number = panel.login(), free_port()
    assert admin.post("/api/v1/servers", json={"preset": "echo", "name": NAME, "port": number}).status == 201
    assert admin.post(f"/api/v1/servers/{NAME}/start", json={}).status == 200
    yield number
    admin.post(f"/api/v1/servers/{NAME}", json={}, method="DELETE")


def say(port: int, header: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"GET / HTTP/1.1\r\n{header}\r\n\r\n".encode())
        client.recv(1000)


async def close_of(panel: Panel, header: dict[str, str], port: int) -> tuple[int, float]:
    """The code that a socket opened with this header is closed with, and how many seconds after that came to the server."""
    url = f"ws://127.0.0.1:{panel.port}/ws/servers/{NAME}/"
    async with connect(url, additional_headers={**header, "Origin": panel.base_url}) as opened:
        await opened.recv()
        since = time.monotonic()
        await asyncio.to_thread(say, port, "\r\n".join(f"{name}: {value}" for name, value in header.items()))
        with pytest.raises(ConnectionClosed) as end:
            async with asyncio.timeout(3 * WITHIN):
                while True:
                    await opened.recv()
    assert end.value.rcvd is not None
    return end.value.rcvd.code, time.monotonic() - since


async def test_sockets_close_within_five_seconds(panel: Panel, port: int):
    token = (await asyncio.to_thread(panel.manage, "token", "create", panel.username)).stdout.split()[-1]
    cookies = (await asyncio.to_thread(panel.login)).cookies
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    for header in ({"Authorization": f"Bearer {token}"}, {"Cookie": cookie}):
        code, seconds = await close_of(panel, header, port)
        assert (code, seconds < WITHIN) == (4401, True)


def test_the_log_the_audit_and_the_server_tell_of_it_and_the_person_is_told_where(panel: Panel, port: int):
    ada = panel.login()
    cookie = "; ".join(f"{name}={value}" for name, value in ada.cookies.items())
    say(port, f"Cookie: {cookie}")
    admin = panel.login()
    eventually(lambda: "the session has ended" in admin.get(f"/api/v1/servers/{NAME}/incidents").text)
    entries = panel.manage("audit", "list", "--json").stdout
    assert '"session.exposed"' in entries
    assert f"127.0.0.1:{port}" in ada.request("GET", "/login/", headers={"Cookie": cookie}).text
    assert "sent the key of the session of ada" in panel.log()
