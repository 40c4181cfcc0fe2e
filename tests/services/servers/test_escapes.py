"""Text with escapes to bytes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import TextMalformed
from services.servers.escapes import to_bytes, to_text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r"\x02OK\r\n", b"\x02OK\r\n"),
        (r"a\tb\0", b"a\tb\0"),
        (r"C:\\dir", rb"C:\dir"),
        (r"\xfF", b"\xff"),
        ("é", b"\xc3\xa9"),
        ("", b""),
    ],
)
def test_escapes_mean_bytes(text, data):
    assert to_bytes(text) == data


@pytest.mark.parametrize("text", ["\\", r"\q", r"\x", r"\x1", r"\xzz", "abc\\"])
def test_a_backslash_that_begins_no_escape_is_refused_with_its_place(text):
    with pytest.raises(TextMalformed, match=f"position {text.index(chr(92)) + 1} "):
        to_bytes(text)


@given(st.binary())
def test_any_bytes_come_back(data):
    assert to_bytes(to_text(data)) == data


@given(st.binary())
def test_what_is_shown_prints(data):
    assert to_text(data).isprintable()


def test_directions_and_controls_are_shown():
    assert to_text("a\u202eb\x1b".encode()) == r"a\xe2\x80\xaeb\x1b"
