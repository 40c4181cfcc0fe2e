"""Captured bytes as text: nothing hidden, nothing lost, and the same in the browser."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockpanel.visible import HIDDEN, pieces, visible, visible_text, whole_characters

SCRIPT = Path(__file__).resolve().parents[2] / "static" / "js" / "visible.js"
CASES = [
    (b"plain", "plain"),
    (b"a\\n\r\n\t\0", "a\\n\\r\\n\\t\\0"),
    (b"\x1b[31m\x7f", "\\x1b[31m\\x7f"),
    (b"A\xff\xc0\x80\xe2\x82B", "A\\xff\\xc0\\x80\\xe2\\x82B"),
    (b"\xed\xa0\x80\xf0\x80\x80\xaf\xf4\x90\x80\x80", "\\xed\\xa0\\x80\\xf0\\x80\\x80\\xaf\\xf4\\x90\\x80\\x80"),
    ("a\u202eb\u200bc\u00a0d\u0085".encode(), "a<U+202E>b<U+200B>c<U+00A0>d<U+0085>"),
    ("Python编程 Grüße 😀".encode(), "Python编程 Grüße 😀"),
]


@pytest.mark.parametrize(("data", "text"), CASES)
def test_bytes_are_shown_as(data: bytes, text: str) -> None:
    assert visible(data) == text


def test_marks_are_told_apart_from_text_that_looks_like_them() -> None:
    assert pieces(b"\\n\nx") == [("\\n", False), ("\\n", True), ("x", False)]


def test_the_table_has_every_invisible_character_of_unicode() -> None:
    hidden = {code for first, last in HIDDEN for code in range(first, last + 1)}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category in ("Cc", "Cf", "Zl", "Zp") or (category == "Zs" and code != 0x20):
            assert code in hidden, hex(code)


def test_the_browser_has_the_same_table() -> None:
    table = re.search(r"HIDDEN = \[(.*?)\n\];", SCRIPT.read_text(), re.DOTALL)
    assert table
    pairs = re.findall(r"\[0x([0-9a-f]+), 0x([0-9a-f]+)\]", table[1])
    assert tuple((int(first, 16), int(last, 16)) for first, last in pairs) == HIDDEN


@given(st.binary(max_size=200))
def test_whatever_comes_nothing_hidden_is_left(data: bytes) -> None:
    for text, _ in pieces(data):
        assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)


@given(st.text(max_size=50))
def test_text_from_outside_is_treated_the_same(text: str) -> None:
    if max(text, default=" ") < "\ud800" or all(not "\ud800" <= char <= "\udfff" for char in text):
        assert visible_text(text) == visible(text.encode())


def test_a_cut_leaves_whole_characters() -> None:
    euro = "a€".encode()
    assert [whole_characters(euro[:end]) for end in (2, 3, 4)] == [b"a", b"a", euro]
    assert whole_characters(b"A\x80") == b"A\x80"
