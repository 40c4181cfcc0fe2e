"""The API of the real panel: supervisor, workers and sockets behind it."""

import base64
import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Answer, Visitor


class Script:
    """A program with the admin's token."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._visitor = Visitor(panel.host, panel.port)
        self._headers = {"Authorization": f"Bearer {panel.token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        return self._visitor.request(method, f"/api/v1{path}", data, self._headers)

    def watch(self, name: str) -> ClientConnection:
        address = f"ws://{self.panel.host}:{self.panel.port}/ws/servers/{name}/"
        return connect(address, additional_headers={"Authorization": self._headers["Authorization"]})


@pytest.fixture
def script(panel: Panel) -> Script:
    return Script(panel)


@pytest.fixture
def lab(script: Script) -> Iterator[int]:
    """A running echo server named lab; its port."""
    port = free_port()
    assert script.ask("POST", "/servers", {"preset": "echo", "name": "lab", "port": port}).status == 201
    started = script.ask("POST", "/servers/lab/start")
    assert (started.status, started.json()["state"]) == (200, "RUNNING"), started
    yield port
    assert script.ask("DELETE", "/servers/lab").status == 204


def messages(script: Script) -> list[tuple[str, bytes, str | None]]:
    found = script.ask("GET", "/servers/lab/messages").json()["messages"]
    return [(m["direction"], base64.b64decode(m["data"]), m["sent_by"]) for m in found]


def frames(watched: ClientConnection, kind: str) -> Iterator[dict[str, Any]]:
    while True:
        frame: dict[str, Any] = json.loads(watched.recv(timeout=10))
        if frame["type"] == kind:
            yield frame


def test_from_creation_to_a_free_port(script: Script, lab: int) -> None:
    with script.watch("lab") as watched, socket.create_connection(("127.0.0.1", lab), timeout=5) as client:
        watched.send('{"type":"follow","after":0}')
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        seen: list[Any] = []
        for frame in frames(watched, "messages"):
            seen += [(m["direction"], base64.b64decode(m["data"])) for m in frame["messages"]]
            if len(seen) == 2:
                break
        assert seen == [("in", b"hello"), ("out", b"hello")]
        assert messages(script) == [("in", b"hello", None), ("out", b"hello", None)]
    stopped = script.ask("POST", "/servers/lab/stop")
    assert (stopped.status, stopped.json()["state"]) == (200, "STOPPED")
    socket.create_server(("127.0.0.1", lab)).close()


def test_a_message_longer_than_what_browsers_may_say_is_seen_too(script: Script, lab: int) -> None:
    with script.watch("lab") as watched, socket.create_connection(("127.0.0.1", lab), timeout=5) as client:
        watched.send('{"type":"follow","after":0}')
        client.sendall(b"x" * 200_000)
        seen = 0
        for frame in frames(watched, "messages"):
            seen += sum(message["size"] for message in frame["messages"] if message["direction"] == "in")
            watched.send(json.dumps({"type": "ack", "seq": frame["to"]}))
            if seen == 200_000:
                break


def test_bytes_sent_by_hand_carry_the_name_of_who_sent_them(script: Script, lab: int) -> None:
    with script.watch("lab") as watched, socket.create_connection(("127.0.0.1", lab), timeout=5) as client:
        watched.send('{"type":"follow","after":0}')
        opened = next(frames(watched, "connection"))  # told to who comes later too
        answer = script.ask("POST", "/servers/lab/send", {"data": r"\x00hi", "connection": opened["number"]})
        assert (answer.status, answer.json(), client.recv(100)) == (200, {"reached": 1}, b"\0hi")
        assert messages(script) == [("out", b"\0hi", "ada")]
        assert script.ask("DELETE", f"/servers/lab/connections/{opened['number']}").status == 204
        assert client.recv(100) == b""
    assert script.ask("POST", "/servers/lab/send", {"data": "x", "connection": 99}).json()["code"] == "SP-2204"


def test_answers_without_a_body_say_so_in_their_headers(script: Script) -> None:
    """The server in front of Django has its part in these."""
    head, whole = script.ask("HEAD", "/presets"), script.ask("GET", "/presets")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(whole.body)))
    assert script.ask("POST", "/servers", {"preset": "echo", "name": "brief", "port": free_port()}).status == 201
    deleted = script.ask("DELETE", "/servers/brief")
    assert (deleted.status, deleted.headers["Content-Type"]) == (204, None)


def test_a_port_in_use_is_a_warning_and_then_a_conflict_that_names_the_holder(script: Script) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        created = script.ask("POST", "/servers", {"preset": "echo", "name": "taken", "port": port})
        assert created.status == 201
        assert f"pid {os.getpid()}" in created.json()["warnings"][0]
        failed = script.ask("POST", "/servers/taken/start")
        assert (failed.status, failed.json()["code"]) == (409, "SP-2202")
        assert f"pid {os.getpid()}" in failed.json()["detail"]
        assert script.ask("GET", "/servers/taken").json()["state"] == "FATAL"
    assert script.ask("DELETE", "/servers/taken").status == 204


def test_a_running_server_keeps_its_old_port_when_the_new_one_is_taken(script: Script, lab: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        refused = script.ask("PATCH", "/servers/lab", {"port": holder.getsockname()[1]})
        assert (refused.status, refused.json()["code"]) == (409, "SP-2001"), refused
    with socket.create_connection(("127.0.0.1", lab), timeout=5) as client:
        client.sendall(b"still")
        assert client.recv(100) == b"still"


def test_an_exchange_as_a_client(script: Script, lab: int) -> None:
    target = {"transport": "tcp", "host": "127.0.0.1", "port": lab}
    done = script.ask("POST", "/client", {**target, "data": "0001", "encoding": "hex"}).json()
    assert (base64.b64decode(done["data"]), done["text"], done["peer"]) == (b"\0\1", r"\0\x01", f"127.0.0.1:{lab}")
    assert 0 < done["seconds"] < 2
    refused = script.ask("POST", "/client", {**target, "port": free_port()})
    assert (refused.status, refused.json()["code"]) == (409, "SP-7002")
    forbidden = script.ask("POST", "/client", {**target, "port": script.panel.port})
    assert (forbidden.status, forbidden.json()["code"]) == (403, "SP-7007")
