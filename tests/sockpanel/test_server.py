"""daphne with manners: a slow reader costs no memory, and a stop cuts nobody off."""

import contextlib
import http.client
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sockpanel.door import capacity
from tests.sockpanel import serving
from tests.sockpanel.serving import Polite
from tests.waiting import eventually

STREAM = 64 * 1024 * 1024


@pytest.fixture
def polite() -> Iterator[Polite]:
    """For tests that stop it."""
    with serving.serving() as polite:
        yield polite


@pytest.fixture(scope="module")
def running() -> Iterator[Polite]:
    """For tests that leave it running."""
    with serving.serving() as polite:
        yield polite


def test_a_response_waits_for_a_reader_who_reads_nothing_and_is_whole_in_the_end(running: Polite):
    before = running.made()
    with socket.create_connection(("127.0.0.1", running.port)) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        made = settled(running, before) - before
        assert 0 < made < STREAM / 2  # what the kernel's buffers hold, and no more
        reader.settimeout(20)
        size = 0
        while piece := reader.recv(1 << 20):
            size += len(piece)
    assert size > STREAM
    assert running.made() == before + STREAM


def settled(polite: Polite, before: int = 0) -> int:
    """How much is made once it no longer grows."""
    seen: list[int] = []

    def rests() -> bool:
        seen.append(polite.made())
        return len(seen) > 20 and len(set(seen[-20:])) == 1 and seen[-1] > before

    eventually(rests)
    return seen[-1]


def test_a_reader_who_leaves_ends_the_response(running: Polite):
    before = running.made()
    with socket.create_connection(("127.0.0.1", running.port)) as reader:
        reader.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert settled(running, before) < before + STREAM
    assert running.get("/slow") == b"done"


def test_a_response_that_breaks_off_is_cut_and_the_next_is_served(running: Polite):
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        running.get("/broken")
    assert running.get("/slow") == b"done"


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


def test_who_leaves_before_it_is_his_turn_takes_nobody_elses():
    with serving.serving("descriptors=128") as polite:
        with contextlib.ExitStack() as many:
            for _ in range(capacity(128).turns):
                many.enter_context(holding(polite))
                assert polite.line() == "held"
            for _ in range(50):
                holding(polite).close()
            began = time.monotonic()
            assert polite.get("/taken") == b"0"
            assert time.monotonic() - began < 3
        assert polite.stop() == 0
        assert polite.line() == ""


def holding(polite: Polite) -> socket.socket:
    """Somebody whose answer begins after a second."""
    client = socket.create_connection(("127.0.0.1", polite.port))
    client.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
    return client


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


def test_nothing_says_which_server_this_is(running: Polite):
    with socket.create_connection(("127.0.0.1", running.port)) as visitor:
        visitor.sendall(b"GET /produced HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"server:" not in visitor.recv(65_536).lower()


def test_tls_is_spoken_with_a_certificate(start_panel: Any, certificate: tuple[str, str]):
    panel = start_panel(command="web", ready=False, SOCKPANEL_TLS_CERT=certificate[0], SOCKPANEL_TLS_KEY=certificate[1])
    eventually(lambda: "https://127.0.0.1" in panel.log(), 30)
    context = ssl.create_default_context(cafile=certificate[0])
    connection = http.client.HTTPSConnection("127.0.0.1", panel.port, context=context, timeout=20)
    connection.request("GET", "/login/", headers={"X-Forwarded-Proto": "http"})
    page = connection.getresponse()
    secret = re.search(rb'csrfmiddlewaretoken" value="(\w+)"', page.read())
    assert secret
    form = urlencode({"username": panel.username, "password": panel.password, "csrfmiddlewaretoken": secret[1]})
    headers = {
        "Cookie": page.headers["Set-Cookie"].partition(";")[0],
        "Origin": f"https://127.0.0.1:{panel.port}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", "/login/", form, headers)
    signed_in = connection.getresponse()
    signed_in.read()
    assert (page.status, signed_in.status) == (200, 302)
    for answer, name in ((page, "csrf"), (signed_in, "sp")):
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(f"__Host-{name}_")
        assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))
    for path, host in (
        ("/static/css/tokens.css", ""),
        ("/healthz", ""),
        ("/no/such/file", ""),
        ("/login/", "evil.example"),
    ):
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        answer.read()
        assert host or "max-age=" in answer.headers["Strict-Transport-Security"], path
        assert answer.status == 400 or not host
    connection.close()
