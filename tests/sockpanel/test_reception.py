"""Requests arrive in time and in measure, or not at all; and who behaves well notices nothing of those who do not."""

import asyncio
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest

from sockpanel import guests, reception
from sockpanel.api import body
from tests.sockpanel import attackers
from tests.sockpanel.serving import Polite, serving

HEAD_WITHIN, BODY_WITHIN = 0.5, 1.0
MOST = reception.BODY_BYTES


@pytest.fixture(scope="module")
def polite() -> Iterator[Polite]:
    """One whose limits a test can wait for."""
    with serving(f"HEAD_WITHIN={HEAD_WITHIN}", f"BODY_WITHIN={BODY_WITHIN}") as polite:
        yield polite


def test_the_limits_are_these():
    assert (reception.HEAD_WITHIN, reception.BODY_WITHIN, guests.ASKING) == (10.0, 30.0, 100)
    assert reception.BODY_BYTES == body.MAX_BYTES


@pytest.mark.parametrize("what", attackers.BEGINNINGS)
async def test_a_drip_is_cut_within_its_time_and_told_why(polite: Polite, what: str):
    limit = BODY_WITHIN if "body" in what else HEAD_WITHIN
    lived, answer = await attackers.drip(polite.port, attackers.BEGINNINGS[what])
    assert limit - 0.1 <= lived <= limit + 1.0
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"SP-6006" in answer


def test_with_tls_it_is_the_same_and_the_handshake_has_no_longer(certificate: tuple[str, str]):
    context = ssl.create_default_context(cafile=certificate[0])
    with serving(f"HEAD_WITHIN={HEAD_WITHIN}", f"tls={','.join(certificate)}") as polite:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as silent:
            assert was_cut(silent)
        with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
            with context.wrap_socket(client, server_hostname="127.0.0.1") as safe:
                safe.sendall(attackers.HEAD)
                assert safe.recv(4096).startswith(b"HTTP/1.1 408 ")
                assert safe.recv(4096) == b""
        assert time.monotonic() - began < 2 * (HEAD_WITHIN + 1.0)


def test_a_connection_may_rest_for_a_while_and_take_its_time_over_a_long_answer():
    with serving("REST_WITHIN=1.0") as polite:
        with closing(http.client.HTTPConnection("127.0.0.1", polite.port, timeout=10)) as connection:
            connection.request("GET", "/whole")
            answer, began, size = connection.getresponse(), time.monotonic(), 0
            while piece := answer.read(1024 * 1024):
                size += len(piece)
                time.sleep(0.1)  # a slow reader
            assert size == 32 * 1024 * 1024
            assert time.monotonic() - began > 3.0
            connection.request("GET", "/taken")
            assert connection.getresponse().read() == b"0"
            rested = time.monotonic()
            assert connection.sock is not None
            assert was_cut(connection.sock)
            assert 0.9 <= time.monotonic() - rested <= 3.0


def was_cut(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


async def test_a_connection_opened_for_later_closes_without_a_word(polite: Polite):
    lived, answer = await attackers.drip(polite.port, b"", drops=False)
    assert HEAD_WITHIN - 0.1 <= lived <= HEAD_WITHIN + 1.0
    assert answer == b""


async def test_the_second_request_of_a_connection_has_no_longer(polite: Polite):
    first = b"GET /produced HTTP/1.1\r\nHost: x\r\n\r\n"
    lived, answer = await attackers.drip(polite.port, first + attackers.HEAD)
    assert lived <= HEAD_WITHIN + 1.0
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer


@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(MOST, 200), (MOST + 1, 413)])
def test_a_body_may_have_a_mebibyte_and_not_a_byte_more(polite: Polite, size: int, status: int, chunked: bool):
    with closing(http.client.HTTPConnection("127.0.0.1", polite.port, timeout=10)) as connection:
        data = b"x" * size
        connection.request("POST", "/taken", iter([data[:70_000], data[70_000:]]) if chunked else data)
        answer = connection.getresponse()
        said = answer.read().decode()
    assert answer.status == status
    assert said == str(size) if status == 200 else said.startswith("SP-6004 ")


def test_a_body_that_is_announced_too_long_is_refused_before_it_comes_and_the_connection_closes(polite: Polite):
    with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
        client.sendall(b"POST /api/v1/servers HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        with client.makefile("rb") as answer:
            head, _, said = answer.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in head
    assert b"application/problem+json" in head
    assert json.loads(said)["code"] == "SP-6004"


def test_nobody_is_told_to_go_on_with_a_body_that_is_too_long(polite: Polite):
    with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_without_end_costs_no_memory(polite: Polite):
    process = psutil.Process(polite.process.pid)
    before = process.memory_info().rss
    sent = 0
    with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n")
        try:
            while sent < 256 * 1024 * 1024:
                sent += client.send(b"x" * 1_000_000)
        except ConnectionError:
            pass
    assert process.memory_info().rss - before < 16 * 1024 * 1024


@pytest.mark.parametrize("head", ["Content-Length: " + "9" * 5_000, "Content-Length: 1\r\nContent-Length: 1",
                                  "Content-Length: 5\r\nTransfer-Encoding: chunked", "X: " + "y" * 20_000])  # fmt: skip
def test_a_head_that_makes_no_sense_ends_the_connection(polite: Polite, head: str):
    with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        try:
            with client.makefile("rb") as answer:
                assert b" 200 " not in answer.read()
        except ConnectionResetError:
            pass  # told so more harshly


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /" + "a" * 16_000 + " HTTP/1.1\r\nHost: x", 200),
        ("GET /" + "a" * 60_000 + " HTTP/1.1\r\nHost: x", 414),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: " + "a" * 60_000, 431),
        ("GET / HTTP/1.1\r\nHost: x" + ("\r\nX: " + "a" * 5_000) * 12, 431),
        ("GET / HTTP/1.1\r\nHost: x" + "\r\nX: a" * 490, 200),
        ("GET / HTTP/1.1\r\nHost: x" + "\r\nX: a" * 600, 431),
    ],
)
def test_a_head_that_is_too_long_is_told_so_once(polite: Polite, head: str, status: int):
    with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
        client.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        with client.makefile("rb") as answer:
            said = answer.read()
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert said.count(b"HTTP/1.1 ") == 1
    assert (b"SP-6001 The head of the request is longer than 16,384 bytes" in said) is (status != 200)


def test_requests_sent_at_once_are_answered_in_order(polite: Polite):
    request = b"POST /taken HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b"
    asked = [(1, b""), (20, b""), (300, b"Connection: close\r\n")]
    with socket.create_connection(("127.0.0.1", polite.port), timeout=10) as client:
        client.sendall(b"".join(request % (size, end, b"a" * size) for size, end in asked))
        with client.makefile("rb") as answer:
            said = answer.read()
    places = [said.find(b"\r\n%d" % size) for size, _ in asked]
    assert said.count(b"HTTP/1.1 200 ") == 3
    assert 0 < places[0] < places[1] < places[2]


async def test_a_crowd_that_never_asks_for_anything_keeps_nobody_out(polite: Polite):
    """More than may ask at a time, and again as soon as they are cut."""
    async with attackers.crowd(polite.port, 150, "/stream"):
        for _ in range(20):
            async with asyncio.timeout(2):
                assert await asyncio.to_thread(polite.get, "/taken") == b"0"
