"""The Client page: what was sent, what came back, and what went wrong."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from django.test import Client

from sockpanel.pages.client import DEFAULTS, words
from tests.services.servers.certifying import ROOT, SERVER, show

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


def test_tls_is_asked_for_with_what_makes_sure_of_the_server() -> None:
    posted = {**DEFAULTS, "tls": "on", "tls.ca": "PEM", "tls.name": " lab.lan ", "tls.insecure": "on"}
    assert words(posted)["tls"] == {"ca": "PEM", "name": "lab.lan", "insecure": True}
    assert "tls" not in words({**DEFAULTS, "tls.ca": "PEM"})
    assert "tls" not in words({**posted, "transport": "udp"})


def test_whom_tls_was_spoken_with_stands_above_the_answer(operator: Client) -> None:
    with tls_echo() as port:
        form = {"transport": "tcp", "host": "127.0.0.1", "port": port, "data": "hi", "tls": "on", "tls.ca": ROOT.chain}
        page = operator.post("/client/", form).content.decode()
    assert "TLS 1.3 · CN=lab, from CN=Root of the lab, until" in page
    assert "1 message back" in page


def test_a_server_that_is_not_believed_is_a_sentence_beside_the_authority(operator: Client) -> None:
    with tls_echo() as port:
        form = {"transport": "tcp", "host": "127.0.0.1", "port": port, "data": "hi", "tls": "on"}
        answer = operator.post("/client/", form)
    assert answer.status_code == 422
    assert "is not believed" in answer.content.decode().split('data-problem-for="tls.ca"')[1][:1200]


@contextlib.contextmanager
def tls_echo() -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show(context, SERVER)

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.sendall(secured.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def test_who_may_not_send_reads_which_role_does(viewer: Client, operator: Client) -> None:
    said = b"To send bytes needs the role operator: ask an admin for it."
    assert said in viewer.get("/client/").content
    assert said not in operator.get("/client/").content
