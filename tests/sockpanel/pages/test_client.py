"""The Client page: what was sent, what came back, and what went wrong."""

import socket
import threading
from collections.abc import Iterator

import pytest
from django.test import Client

from sockpanel.pages.client import DEFAULTS, words

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


@pytest.fixture
def echoing() -> Iterator[int]:
    """The port of something that answers one connection with what it got."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(connection.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def test_it_shows_what_went_out_and_what_came_back(operator: Client, echoing: int) -> None:
    page = operator.post(
        "/client/", {"transport": "tcp", "host": "127.0.0.1", "port": echoing, "data": "<hi>\\r\\n", "encoding": "text"}
    )
    shown = '&lt;hi&gt;<span class="mark">\\r\\n</span>'
    assert page.content.decode().count(shown) == 2
    assert "1 message back" in page.content.decode()


def test_a_refused_connection_is_a_sentence(operator: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = operator.post("/client/", {"transport": "tcp", "host": "127.0.0.1", "port": port, "data": "x"})
    assert answer.status_code == 502
    assert f"{port}" in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "wrong", "sentence"),
    [
        ("port", "x", "The port is a whole number from 1 to 65535."),
        ("host", "", "The host is missing"),
        ("data", "\\q", "The backslash at position 1"),
        ("timeout", "never", "The timeout is more than 0"),
    ],
)
def test_a_wrong_field_has_its_sentence(operator: Client, field: str, wrong: str, sentence: str) -> None:
    asked = {"transport": "tcp", "host": "127.0.0.1", "port": "9", "data": "x", "timeout": "1"} | {field: wrong}
    answer = operator.post("/client/", asked)
    place = answer.content.decode().split(f'data-problem-for="{field}"')[1]
    assert answer.status_code == 422
    assert sentence in place.split("</p>")[0]


def test_the_form_is_filled_from_the_address(viewer: Client) -> None:
    page = viewer.get("/client/?transport=udp&host=::1&port=9000&data=%25Y").content.decode()
    assert 'value="udp" checked' in page
    assert 'value="::1"' in page
    assert ">%Y</textarea>" in page


def test_sending_is_for_operators(viewer: Client) -> None:
    assert viewer.post("/client/", {"host": "127.0.0.1", "port": "9"}).status_code == 403


def test_words_of_each_sort() -> None:
    told = words(DEFAULTS | {"transport": "time", "port": "9000"})
    assert (told["transport"], told["expect"], told["port"], told["timeout"]) == ("udp", 1, 9000, 2.0)
    assert words(DEFAULTS | {"transport": "broadcast"})["broadcast"] is True
    framed = words(
        DEFAULTS
        | {"framing.type": "length", "framing.size": "2", "framing.order": "little", "framing.includes_itself": "on"}
    )
    assert framed["framing"] == {"type": "length", "size": 2, "order": "little", "includes_itself": True}
