"""What a person typed -> bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import TextMalformed
from services.payload import ENCODINGS, payload
from services.servers import escapes


@pytest.mark.parametrize(
    ("text", "encoding", "data"),
    [
        ("", "text", b""),
        (r"OK\r\n\t\0\\\xff", "text", b"OK\r\n\t\0\\\xff"),
        ("编程", "text", "编程".encode()),
        ("", "hex", b""),
        ("4f 4B", "hex", b"OK"),
        ("4f:4b-0d,0a", "hex", b"OK\r\n"),
        ("0x4f 0X4b", "hex", b"OK"),
        ("", "base64", b""),
        ("T0sN\nCg==", "base64", b"OK\r\n"),
    ],
)
def test_says_which_bytes_are_meant(text: str, encoding: str, data: bytes) -> None:
    assert payload(text, encoding) == data


@pytest.mark.parametrize(
    ("text", "encoding", "field", "sentence"),
    [
        (r"\q", "text", "data", "position 1"),
        ("half \ud83d", "text", "data", "surrogate"),
        ("4g", "hex", "data", "'g' is no hex digit"),
        ("1_0", "hex", "data", "'_' is no hex digit"),
        ("\ud83d", "hex", "data", "is no hex digit"),
        ("٤٢", "hex", "data", "no hex digit"),
        ("4f4", "hex", "data", "these are 3"),
        ("T0s", "base64", "data", "no base64"),
        ("T0s*", "base64", "data", "no base64"),
        ("é", "base64", "data", "no base64"),
        ("x", "utf-16", "encoding", "one of text, hex, base64"),
    ],
)
def test_refuses_what_means_nothing_beside_its_field(text: str, encoding: str, field: str, sentence: str) -> None:
    with pytest.raises(TextMalformed, match=sentence) as caught:
        payload(text, encoding)
    assert caught.value.field == field


@given(st.binary(max_size=200))
def test_text_with_escapes_goes_both_ways(data: bytes) -> None:
    assert payload(escapes.to_text(data), "text") == data


@given(st.text(max_size=60), st.sampled_from(ENCODINGS))
def test_gives_bytes_or_one_kind_of_error(text: str, encoding: str) -> None:
    with contextlib.suppress(TextMalformed):
        assert isinstance(payload(text, encoding), bytes)
