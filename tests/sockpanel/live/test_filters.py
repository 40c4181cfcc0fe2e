"""The filter of the conversation."""

import pytest

from services.errors import RequestRefused
from services.history import MessageOut, Query
from sockpanel.live.filters import is_empty, matches, matches_connection, parse


def message(data: bytes = b"GET /lamp HTTP/1.1\r\n", direction: str = "in", connection: int = 7) -> MessageOut:
    return MessageOut(
        1, "2026-11-20T10:11:12.000345Z", connection, "127.0.0.1:5000", direction, len(data), False, None, data
    )


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("  ", Query()),
        ("dir:in conn:7", Query(direction="in", connection=7)),
        ("GET lamp", Query(contains=(b"GET", b"lamp"))),
        ('text:"GET /"', Query(contains=(b"GET /",))),
        (r'"a \"b\" \\"', Query(contains=(b'a "b" \\',))),
        ("hex:0d0a", Query(contains=(b"\r\n",))),
        ('hex:"0D 0A"', Query(contains=(b"\r\n",))),
        ("http://x", Query(contains=(b"http://x",))),
        ("Grüße", Query(contains=("Grüße".encode(),))),
        (r"\r", Query(contains=(rb"\r",))),
    ],
)
def test_what_people_type_means_a_query(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    "text", ["dir:up", "conn:seven", "conn:-1", "hex:0", "hex:xy", '"open', 'text:"open', "dir:in dir:out", "a " * 17]
)
def test_what_makes_no_sense_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(RequestRefused, match=r"The filter makes no sense: .+\.") as refused:
        parse(text)
    assert refused.value.field == "filter"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("dir:in", True),
        ("dir:out", False),
        ("conn:7", True),
        ("conn:8", False),
        ("lamp GET", True),
        ("Lamp", False),
        ("hex:0d0a", True),
        ("dir:in lamp conn:8", False),
    ],
)
def test_a_message_fits_when_every_term_holds(text: str, fits: bool) -> None:
    assert matches(parse(text), message()) is fits


@pytest.mark.parametrize(
    ("text", "fits"), [("", True), ("conn:7", True), ("conn:8", False), ("dir:in", False), ("GET", False)]
)
def test_openings_are_shown_where_the_filter_is_only_about_the_connection(text: str, fits: bool) -> None:
    assert matches_connection(parse(text), 7) is fits


def test_only_a_filter_without_terms_is_empty() -> None:
    assert is_empty(parse(" "))
    assert not any(is_empty(parse(text)) for text in ("dir:in", "conn:1", "x"))
