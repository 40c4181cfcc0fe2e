"""What templates do with words from outside, and with numbers and times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockpanel.templatetags import shown


@given(st.binary(max_size=100))
def test_marked_bytes_bring_no_element_but_marks(data: bytes) -> None:
    text = shown.marked(data)
    assert "<" not in text.replace('<span class="mark">', "").replace("</span>", "")


def test_what_cannot_be_shown_is_marked() -> None:
    assert shown.marked(b"<a>\r") == '&lt;a&gt;<span class="mark">\\r</span>'


def test_lines_stay_lines() -> None:
    assert shown.visible_lines("a\n\x1bb\r\nc") == "a\n\\x1bb\nc"


def test_code_in_back_ticks_becomes_code() -> None:
    assert shown.ticked("gives `<b>` back") == "gives <code>&lt;b&gt;</code> back"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (1023, "1,023 B"), (1536, "1.5 KiB"), (1 << 40, "1 TiB"), (None, "0 B")]
)
def test_sizes_name_their_unit(number: int | None, text: str) -> None:
    assert shown.size(number) == text


def test_the_head_of_a_message_ends_with_a_whole_character() -> None:
    assert shown.head("€€€".encode(), 4) == "€".encode()
    assert shown.head(b"abc", 3) == b"abc"


@pytest.mark.parametrize(
    ("state", "wanted", "reason", "unwell"),
    [
        ("FATAL", "running", "why", True),
        ("EXITED", "running", "why", True),
        ("STOPPED", "running", "No supervisor", True),
        ("STOPPED", "stopped", "It has stopped.", False),
        ("RUNNING", "running", "It serves.", False),
        ("FATAL", "running", "", False),
    ],
)
def test_only_reasons_worth_reading_are_shown(state: str, wanted: str, reason: str, unwell: bool) -> None:
    assert shown.is_unwell({"state": state, "wanted": wanted, "reason": reason}) is unwell


def test_a_transport_is_named_where_it_is_not_the_usual_one() -> None:
    assert shown.sort({"kind": "time", "transport": "tcp"}) == "time over tcp"
    assert shown.sort({"kind": "tcp", "transport": "tcp"}) == "tcp"


def test_durations_are_told_in_seconds_below_a_minute() -> None:
    start = "2026-11-20T10:00:00.000000Z"
    assert shown.between(start, "2026-11-20T10:00:01.500000Z") == "1.5 s"
    assert shown.between(start, "2026-11-20T11:00:00.000000Z") == "60 min"


def test_what_a_command_wrote_keeps_its_lines_and_loses_its_colours() -> None:
    shown_as = shown.marked_lines(b"\x1b[31mred\x1b[0m\tx\r\n<b>\x1b[2J\rend")
    assert shown_as == 'red\tx\n&lt;b&gt;<span class="mark">\\x1b</span>[2J<span class="mark">\\r</span>end'
