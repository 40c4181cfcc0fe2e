"""Bytes stay bytes on the whole way: a socket, a worker, the database, API, page and command line, and back to a socket."""

import base64
import html
import json
import re
import socket
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile import corpus
from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Visitor
from tests.waiting import eventually

MIB = bytes(range(256)) * 4096
AWKWARD = (
    b"",
    b"\0",
    bytes(range(256)),
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\r\n",
    b"\\x00",
    b"\xff" * 9_000,
    *corpus()[-40:],
)
NUMBERS = count(1)
FRAMING = {"type": "length", "size": 4, "max_bytes": len(MIB)}


class Lab:
    """A server of frames that records and answers nothing, a client of it, and its admin."""

    def __init__(self, panel: Panel) -> None:
        self.panel, self.admin, self.name, port = panel, panel.login(), f"bytes-{next(NUMBERS)}", free_port()
        words = {"preset": "echo", "name": self.name, "port": port, "framing": FRAMING, "reply": {"type": "none"}}
        made = self.admin.post("/api/v1/servers", json={**words, "limits": {"keep_bytes": len(MIB)}})
        assert made.status == 201, made.text
        assert self.admin.post(f"/api/v1/servers/{self.name}/start", json={}).status == 200
        self.client = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.seq = 0

    def send(self, messages: list[bytes]) -> list[bytes]:
        """To the server; what the API tells of them once they are stored."""
        self.client.sendall(b"".join(len(data).to_bytes(4, "big") + data for data in messages))
        path = f"/api/v1/servers/{self.name}/messages?after={self.seq}&limit=1000"
        found = eventually(lambda: self._all(self.admin, path, len(messages)))
        self.seq += len(messages)
        return [base64.b64decode(message["data"]) for message in found]

    @staticmethod
    def _all(admin: Visitor, path: str, wanted: int) -> list[dict[str, str]] | None:
        found: list[dict[str, str]] = admin.get(path).json()["messages"]
        return found if len(found) == wanted else None

    def send_again(self, data: bytes) -> bytes:
        """By hand, to the client: the frame that it gets."""
        words = {"data": base64.b64encode(data).decode(), "encoding": "base64"}
        assert self.admin.post(f"/api/v1/servers/{self.name}/send", json=words).status == 200
        self.seq += 1
        with self.client.makefile("rb") as answers:
            return answers.read(int.from_bytes(answers.read(4), "big"))


@pytest.fixture(scope="module")
def lab(panel: Panel) -> Iterator[Lab]:
    made = Lab(panel)
    yield made
    made.client.close()
    made.admin.post(f"/api/v1/servers/{made.name}", json={}, method="DELETE")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(st.one_of(st.binary(max_size=500), st.sampled_from(AWKWARD)), min_size=1, max_size=30))
def test_what_came_in_is_told_shown_and_sent_again_byte_for_byte(lab: Lab, messages: list[bytes]) -> None:
    assert lab.send(messages) == messages
    page = lab.admin.get(f"/servers/{lab.name}/").text
    rows = [base64.b64decode(html.unescape(data)) for data in re.findall(r' data-b="([^"]*)"', page)]
    assert rows[-len(messages) :] == [data[:192] for data in messages]
    longest = max(messages, key=len)
    assert lab.send_again(longest) == longest


def test_a_mebibyte_comes_and_goes_whole(lab: Lab) -> None:
    assert lab.send([MIB]) == [MIB]
    part = MIB[: 512 * 1024]
    assert lab.send_again(part) == part


def test_the_command_line_tells_the_same(lab: Lab) -> None:
    messages = corpus()[::5]
    lab.send(messages)
    told = lab.panel.manage("servers", "tail", lab.name, "-n", str(len(messages)), "--no-follow", "--json").stdout
    assert [base64.b64decode(json.loads(line)["data"]) for line in told.splitlines()] == messages
