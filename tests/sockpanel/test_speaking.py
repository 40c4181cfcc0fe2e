"""Frames as they go over the wire, and the end of a conversation."""

import socket
import struct
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from sockpanel import speaking
from sockpanel.speaking import RECENT, Frames, frame
from tests.sockpanel.serving import Polite, serving
from tests.waiting import eventually


@pytest.fixture(scope="module")
def polite() -> Iterator[Polite]:
    with serving() as polite:
        yield polite


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_500_000])
def test_a_frame_is_what_the_standard_says(size: int):
    text = "ü" + "x" * (size - 2) if size > 2 else "x" * size
    assert frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def test_the_same_text_is_made_a_frame_once_and_few_are_kept():
    frames = Frames()
    assert frames.of("a") is frames.of("a")
    first = frames.of("a")
    for number in range(RECENT):
        frames.of(str(number))
    assert frames.of("a") == first
    assert frames.of("a") is not first


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_browser_understands_it(polite: Polite, size: int):
    with connect(f"ws://127.0.0.1:{polite.port}/", compression=None) as browser:
        browser.send("x" * min(size, 60_000))
        assert browser.recv(timeout=5) == "x" * min(size, 60_000)


def test_a_close_says_why(polite: Polite):
    with connect(f"ws://127.0.0.1:{polite.port}/") as browser:
        browser.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            browser.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4408, "Nothing was acknowledged.")


def test_a_crowd_that_never_closes_its_side_is_cut_beyond_a_bound(polite: Polite):
    began = time.monotonic()
    crowd = [stubborn(polite.port) for _ in range(speaking.CLOSING + 10)]
    eventually(lambda: sum(is_cut(browser) for browser in crowd) >= 10, 10)
    assert time.monotonic() - began < speaking.CLOSE_WITHIN
    assert sum(is_cut(browser) for browser in crowd) == 10
    for browser in crowd:
        browser.close()


def stubborn(port: int) -> socket.socket:
    """Asks for the close, and does not take part in it."""
    browser = socket.create_connection(("127.0.0.1", port), timeout=5)
    browser.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b"101" in browser.recv(4096)
    browser.sendall(b"\x81\x85" + struct.pack("4x") + b"close")
    browser.setblocking(False)
    return browser


def is_cut(browser: socket.socket) -> bool:
    try:
        return browser.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        browser.close()
        return True
    except OSError:
        return True
