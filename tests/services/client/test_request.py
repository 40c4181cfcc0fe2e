"""Words -> a request, each refusal beside its field."""

import pytest

from services.client import as_dict, build
from services.client.request import MAX_SENT, Exchange, Received
from services.errors import RequestRefused, TextMalformed

GOOD = {"transport": "tcp", "host": "127.0.0.1", "port": 8007}


def test_the_usual_is_filled_in() -> None:
    request = build({"host": " localhost ", "port": 1})
    assert (request.transport, request.host, request.data, request.timeout) == ("tcp", "localhost", b"", 2.0)
    assert (request.framing.type, request.expect, request.broadcast) == ("none", None, False)


@pytest.mark.parametrize(
    "words",
    [
        {"port": 65_535},
        {"timeout": 60},
        {"timeout": 0.001},
        {"data": "61", "encoding": "hex"},
        {"data": b"\xff"},
        {"data": None, "encoding": None, "framing": None, "timeout": None},
        {"framing": "line"},
        {"framing": {"type": "length", "size": 8}},
        {"expect": 0},
        {"finish": True},
        {"host": "[::1]"},
    ],
)
def test_these_are_requests(words: dict[str, object]) -> None:
    assert build(GOOD | words)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"port": 0}, "port"),
        ({"port": 65_536}, "port"),
        ({"port": "80"}, "port"),
        ({"port": True}, "port"),
        ({"port": None}, "port"),
        ({"host": ""}, "host"),
        ({"host": "a\0b"}, "host"),
        ({"host": 7}, "host"),
        ({"transport": "sctp"}, "transport"),
        ({"transport": "unix", "host": "/" + "a" * 107}, "host"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 60.1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": "2"}, "timeout"),
        ({"expect": -1}, "expect"),
        ({"data": b"x" * (MAX_SENT + 1)}, "data"),
        ({"framing": "lines"}, "framing.type"),
        ({"framing": {"type": "length", "size": 3}}, "framing.size"),
        ({"framing": {"type": "delimiter"}}, "framing.delimiter"),
        ({"framing": {"typ": "line"}}, "framing"),
        ({"transport": "udp", "framing": "line"}, "framing.type"),
        ({"broadcast": True}, "broadcast"),
        ({"transport": "udp", "finish": True}, "finish"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_these_are_none_and_the_field_is_named(words: dict[str, object], field: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        build(GOOD | words)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("data", "encoding", "field"), [("4", "hex", "data"), (7, "text", "data"), ("a", "rot13", "encoding")]
)
def test_data_that_means_nothing_is_refused_beside_its_field(data: object, encoding: str, field: str) -> None:
    with pytest.raises(TextMalformed) as caught:
        build(GOOD | {"data": data, "encoding": encoding})
    assert caught.value.field == field


def test_scripts_get_times_in_rfc_3339_and_bytes_in_base64() -> None:
    received = [Received(b"\xff", 1_000_001, "127.0.0.1:1", 0.5)]
    done = Exchange(
        sent=b"a",
        sent_at=0,
        peer="127.0.0.1:1",
        local="",
        received=received,
        bytes_received=1,
        seconds=0.5,
        ended="quiet",
    )
    told = as_dict(done)
    assert (told["sent"], told["sent_at"]) == ("YQ==", "1970-01-01T00:00:00.000000Z")
    assert told["received"] == [
        {"data": "/w==", "at": "1970-01-01T00:00:01.000001Z", "peer": "127.0.0.1:1", "after_ms": 0.5}
    ]


@pytest.mark.parametrize(
    ("host", "says"), [("", "The host is missing"), (None, "The host is missing"), ("\0", "is no address")]
)
def test_a_host_that_is_none_is_told_from_one_that_is_missing(host: object, says: str) -> None:
    with pytest.raises(RequestRefused, match=says):
        build(GOOD | {"host": host})
