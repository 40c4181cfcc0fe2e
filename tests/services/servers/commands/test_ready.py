"""The dialect `ready`: what is a command line, what is none, and what looks like a browser."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.servers.commands import ready
from services.servers.commands.ready import Foreign, Unfit


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"uname -s", ("uname", "-s")),
        (b"uname -s\n", ("uname", "-s")),
        (b"uname -s\r\n", ("uname", "-s")),
        (b"  echo 'a b' \"c d\"  ", ("echo", "a b", "c d")),
        ("echo é".encode(), ("echo", "é")),
        (b"echo $HOME; rm *", ("echo", "$HOME;", "rm", "*")),
        (b"patch -p1", ("patch", "-p1")),
        (b"echo " + b"x" * (ready.MOST - 5), ("echo", "x" * (ready.MOST - 5))),
    ],
)
def test_a_line_is_split_as_a_shell_would_and_means_nothing_more(data: bytes, words: tuple[str, ...]):
    assert ready.words(data) == words


@pytest.mark.parametrize("data", [b"", b"\n", b"   ", b"echo 'open", b"echo \xff", b"''" + b" \\"])
def test_what_is_no_command_line_is_answered_and_forgiven(data: bytes):
    with pytest.raises(Unfit) as caught:
        ready.words(data)
    assert not isinstance(caught.value, Foreign)


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (ready.MOST + 1),
        b"x" * (ready.MOST + 1) + b"\n",
        b"a\nb",
        b"a\rb",
        b"a\r",
        b"a\n\n",
        b"a\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /x",
        b"POST /run HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"\x16\x03\x01\x02\0\x01\0",
    ],
)
def test_what_a_browser_might_send_ends_the_connection(data: bytes):
    with pytest.raises(Foreign):
        ready.words(data)


@given(st.sampled_from(sorted(ready.METHODS)), st.binary(max_size=100))
def test_no_http_method_ever_begins_a_command(method: bytes, rest: bytes):
    with pytest.raises(Foreign):
        ready.words(method + b" " + rest)


@given(st.binary(max_size=5000))
def test_any_bytes_are_a_command_line_or_unfit(data: bytes):
    with contextlib.suppress(Unfit):
        assert len(ready.words(data)) > 0


def test_an_offer_says_how_many_bytes_there_are():
    assert ready.offer(6) == b"Ready|6"
