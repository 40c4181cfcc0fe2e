"""Whatever strangers put into requests, sign-ins, frames and messages: one event is one line of JSON, and no byte of a line acts."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.hostile import corpus
from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.waiting import eventually

ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
SAMPLE = corpus()[::4] + corpus()[-80:]


def answered(panel: Panel, *requests: bytes) -> None:
    """Each by a connection of its own, and waited for: the panel may close at any time."""
    for request in requests:
        with contextlib.suppress(OSError), socket.create_connection((panel.host, panel.port), timeout=10) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            client.recv(4_096)


def requests(panel: Panel, data: bytes) -> Iterator[bytes]:
    host = f"Host: {panel.host}:{panel.port}\r\n".encode()
    end = b"Connection: close\r\n\r\n"
    header = data.replace(b"\n", b" ").replace(b"\r", b" ")
    yield b"GET /" + header.replace(b" ", b"+") + b" HTTP/1.1\r\n" + host + end
    yield b"GET /login/?next=" + quote_from_bytes(data).encode() + b" HTTP/1.1\r\n" + host + end
    yield b"GET /healthz HTTP/1.1\r\nHost: " + header + b"\r\n" + end
    yield (
        b"GET /servers/ HTTP/1.1\r\n"
        + host
        + b"User-Agent: "
        + header
        + b"\r\nX-Forwarded-For: "
        + header
        + b"\r\n"
        + end
    )
    yield b"POST /login/ HTTP/1.1\r\n" + host + b"Origin: " + header + b"\r\nContent-Length: 0\r\n" + end
    yield data


@pytest.fixture(scope="module")
def harassed() -> Iterator[Panel]:
    panel = Panel()
    panel.start()
    yield panel
    panel.end()


def lines(panel: Panel) -> list[str]:
    return [line for line in panel.log().split("\n") if line]


def problems(panel: Panel) -> list[str]:
    """What is no line of the log, and none of the words of the start that people read."""
    found = []
    for line in lines(panel):
        if ACTS.search(line):
            found.append(f"acts: {line!r}")
        elif line.startswith("{"):
            assert {"at", "level", "logger", "message"} <= json.loads(line).keys()
        elif "Traceback" in line or "harm" in line or "alert(1)" in line:
            found.append(f"no JSON: {line}")
    return found


def test_requests_leave_lines_of_json(harassed: Panel) -> None:
    for data in SAMPLE[::4]:
        answered(harassed, *requests(harassed, data))
    assert harassed.visitor().get("/healthz").status == 200
    assert any('"logger": "sockpanel.border"' in line for line in lines(harassed))
    assert problems(harassed) == []


def test_fields_by_the_thousand_leave_no_traceback(harassed: Panel) -> None:
    """Django calls them suspicious, and would tell the way to its answer of 400."""
    before = len(lines(harassed))
    assert harassed.visitor().get("/login/?" + "&".join(["a=1"] * 3_000)).status == 400
    told = eventually(lambda: [line for line in lines(harassed)[before:] if "exceeded" in line])
    assert not any("trace" in json.loads(line) for line in told)
    assert len("".join(told)) < 1_000


def test_sign_ins_and_forms_leave_lines_of_json(harassed: Panel) -> None:
    visitor = harassed.visitor()
    for data in SAMPLE[::30]:
        visitor.sign_in(data.decode("utf-8", "replace"), "wrong")
    admin = harassed.login()
    for data in SAMPLE[::20]:
        text = data.decode("utf-8", "replace")
        admin.post("/api/v1/servers", json={"preset": "echo", "name": text, "host": text, "notes": text})
        admin.post("/servers/new/", {"name": text, "kind": text, "host": text})
        admin.post("/api/v1/client", json={"transport": "tcp", "host": text[:200], "port": 9, "data": text})
    assert problems(harassed) == []


def test_messages_and_frames_leave_lines_of_json(harassed: Panel) -> None:
    admin, port = harassed.login(), free_port()
    made = admin.post(
        "/api/v1/servers", json={"preset": "echo", "name": "lab", "port": port, "limits": {"messages_per_second": 50}}
    )
    assert made.status == 201, made.text
    assert admin.post("/api/v1/servers/lab/start", json={}).status == 200
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"".join(SAMPLE))
    cookies = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
    for data in SAMPLE[::8]:
        with (
            contextlib.suppress(WebSocketException),
            connect(
                f"ws://{harassed.host}:{harassed.port}/ws/servers/lab/",
                additional_headers={"Cookie": cookies, "Origin": harassed.base_url},
            ) as watched,
        ):
            watched.send(data)
            watched.send(json.dumps({"type": "follow", "after": 0, "filter": data.decode("latin-1")}))
            watched.ping().wait(5)
    assert admin.post("/api/v1/servers/lab/stop", json={}).status == 200
    assert problems(harassed) == []
