"""What the commands print is harmless to a terminal, and lines up."""

import io
import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import terminal
from services.payload import payload

HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@given(st.binary(max_size=300))
def test_captured_bytes_show_every_byte_and_harm_nothing(data: bytes) -> None:
    shown = terminal.visible(data)
    assert not HARMFUL.search(shown)
    assert payload(shown, "text") == data


@given(st.text(alphabet=st.characters(), max_size=100))
def test_a_text_from_elsewhere_harms_nothing(text: str) -> None:
    assert not HARMFUL.search(terminal.plain(text))


def test_the_escape_sequence_of_a_terminal_is_shown_and_not_obeyed() -> None:
    assert terminal.visible(b"\x1b[2Jgone\x07") == r"\x1b[2Jgone\x07"


@pytest.mark.parametrize(("size", "ends"), [(4096, "a"), (4097, "a ... (1 bytes more)")])
def test_a_long_message_is_cut_at_4096_bytes_and_says_so(size: int, ends: str) -> None:
    assert terminal.visible(b"a" * size).endswith(ends)


def test_columns_line_up_also_for_wide_letters() -> None:
    lines = terminal.table(("NAME", "COUNT", "END"), [("编程", 1234567, "x"), ("a", 5, "y\n")]).splitlines()
    assert lines == ["NAME      COUNT  END", "编程  1,234,567  x", "a             5  y"]


def test_a_table_without_rows_is_its_headings() -> None:
    assert terminal.table(("A", "B"), []) == "A  B"


def test_a_message_is_one_line_that_tells_what_is_not_kept() -> None:
    line = terminal.message(0, 7, "[::1]:5000", "in", 1000, b"a\r\n")
    assert re.fullmatch(r"\d\d:00:00\.000 -> in  #7 \[::1\]:5000 1,000 B  a\\r\\n \.\.\. \(997 bytes not kept\)", line)


def test_a_letter_that_the_terminal_cannot_show_becomes_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert terminal.line("编") == b"\\u7f16\n"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=100))
def test_json_means_what_it_meant_and_harms_nothing(text: str) -> None:
    for told in (terminal.as_json({"peer": text}), terminal.as_json_line({"peer": text})):
        assert json.loads(told) == {"peer": text}
        assert not HARMFUL.search(told.replace("\n", ""))


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_a_screen_shows_the_same_however_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    whole, ends = terminal.Screen().shown(data, last=True), sorted(min(cut, len(data)) for cut in cuts)
    screen = terminal.Screen()
    shown = "".join(screen.shown(data[start:end]) for start, end in pairwise([0, *ends, len(data)])) + screen.shown(
        b"", last=True
    )
    assert shown == whole
    assert not HARMFUL.search(shown.replace("\n", "").replace("\t", ""))


def test_a_screen_keeps_lines_and_tabs_and_shows_what_would_act() -> None:
    assert terminal.Screen().shown(b"a\tb\r\n\x1b[31m\xff\rx", last=True) == "a\tb\n\\x1b[31m\\xff\\x0dx"


def test_json_keeps_bytes_as_base64() -> None:
    assert terminal.as_json_line({"data": b"\xff\x00"}) == '{"data":"/wA="}'
