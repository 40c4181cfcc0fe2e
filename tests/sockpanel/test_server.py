"""daphne with manners: a slow reader costs no memory, and a stop cuts nobody off."""

import http.client
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.waiting import eventually

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STREAM = 64 * 1024 * 1024


class Polite:
    """The process of tests.sockpanel.polite."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sockpanel.polite"],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def made(self) -> int:
        """Bytes of /stream made so far."""
        return int(self.get("/produced"))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def polite() -> Iterator[Polite]:
    """For tests that stop it."""
    yield from running()


@pytest.fixture(scope="module")
def serving() -> Iterator[Polite]:
    """For tests that leave it running."""
    yield from running()


def running() -> Iterator[Polite]:
    polite = Polite()
    yield polite
    polite.process.kill()
    polite.process.communicate()


def test_a_response_waits_for_a_reader_who_reads_nothing_and_is_whole_in_the_end(serving: Polite):
    before = serving.made()
    with socket.create_connection(("127.0.0.1", serving.port)) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        made = settled(serving, before) - before
        assert 0 < made < STREAM / 2  # what the kernel's buffers hold, and no more
        reader.settimeout(20)
        size = 0
        while piece := reader.recv(1 << 20):
            size += len(piece)
    assert size > STREAM
    assert serving.made() == before + STREAM


def settled(polite: Polite, before: int = 0) -> int:
    """How much is made once it no longer grows."""
    seen: list[int] = []

    def rests() -> bool:
        seen.append(polite.made())
        return len(seen) > 20 and len(set(seen[-20:])) == 1 and seen[-1] > before

    eventually(rests)
    return seen[-1]


def test_a_reader_who_leaves_ends_the_response(serving: Polite):
    before = serving.made()
    with socket.create_connection(("127.0.0.1", serving.port)) as reader:
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert settled(serving, before) < before + STREAM
    assert serving.get("/slow") == b"done"


def test_a_response_that_breaks_off_is_cut_and_the_next_is_served(serving: Polite):
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        serving.get("/broken")
    assert serving.get("/slow") == b"done"


def test_a_stop_lets_a_request_finish_and_refuses_new_ones(polite: Polite):
    got: list[bytes] = []
    asking = threading.Thread(target=lambda: got.append(polite.get("/slow")))
    asking.start()
    assert polite.line() == "slow begun"
    assert polite.stop() == 0
    asking.join(10)
    assert got == [b"done"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", polite.port))


def test_a_stop_closes_websockets_with_service_restart(polite: Polite):
    with connect(f"ws://127.0.0.1:{polite.port}/") as websocket:
        polite.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert polite.line() == "websocket ended"
    assert polite.process.wait(10) == 0


def test_a_stop_does_not_wait_for_who_reads_nothing(polite: Polite):
    with socket.create_connection(("127.0.0.1", polite.port)) as reader:
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        settled(polite)
        assert polite.stop() == 0


def test_nothing_says_which_server_this_is(serving: Polite):
    with socket.create_connection(("127.0.0.1", serving.port)) as visitor:
        visitor.sendall(b"GET /produced HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"server:" not in visitor.recv(65_536).lower()


def test_tls_is_spoken_with_a_certificate(start_panel: Any, certificate: tuple[str, str]):
    panel = start_panel(command="web", ready=False, SOCKPANEL_TLS_CERT=certificate[0], SOCKPANEL_TLS_KEY=certificate[1])
    eventually(lambda: "https://127.0.0.1" in panel.log(), 30)
    context = ssl.create_default_context(cafile=certificate[0])
    connection = http.client.HTTPSConnection("127.0.0.1", panel.port, context=context, timeout=20)
    connection.request("GET", "/login/", headers={"X-Forwarded-Proto": "http"})
    answer = connection.getresponse()
    cookie = answer.headers["Set-Cookie"]
    answer.read()
    connection.close()
    assert answer.status == 200
    assert cookie.startswith("__Host-sp_")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
