"""The frames as text."""

import json

import pytest

from services.errors import RequestRefused
from services.history import MessageOut
from sockpanel.live import wire
from sockpanel.live.wire import MAX_FILTER, MAX_FRAME_BYTES, MAX_SEQ, Ack, Follow


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"type":"follow"}', Follow()),
        ('{"type":"follow","after":null}', Follow()),
        ('{"type":"follow","after":0,"filter":"dir:in"}', Follow(after=0, filter="dir:in")),
        ('{"type":"ack","seq":9,"whatever":1}', Ack(seq=9)),
        ('{"type":"ack"}', Ack()),
        (f'{{"type":"ack","seq":{MAX_SEQ}}}', Ack(seq=MAX_SEQ)),
    ],
)
def test_what_a_client_says(text: str, frame: Ack | Follow) -> None:
    assert wire.decode(text) == frame


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"type":"dance"}',
        '{"type":"ack","seq":"9"}',
        '{"type":"ack","seq":-1}',
        f'{{"type":"ack","seq":{MAX_SEQ + 1}}}',
        '{"type":"follow","after":1.5}',
        '{"type":"follow","filter":7}',
        '{"type":"follow","filter":"%s"}' % ("x" * (MAX_FILTER + 1)),
        '{"type":"ack","x":"%s"}' % ("x" * MAX_FRAME_BYTES),
        '"\ud800"',
    ],
)
def test_anything_else_is_refused(text: str | None) -> None:
    with pytest.raises(RequestRefused):
        wire.decode(text)


def test_messages_are_one_json_object_with_data_in_base64() -> None:
    row = MessageOut(8, "2026-11-20T10:11:12.000345Z", 3, "[::1]:5000", "out", 4, False, "ada", b"\x00\xff\r\n")
    frame = json.loads(wire.messages(5, 8, 3, [wire.encode_message(row)]))
    assert frame == {
        "type": "messages",
        "from": 5,
        "to": 8,
        "skipped": 3,
        "messages": [
            {
                "seq": 8,
                "at": "2026-11-20T10:11:12.000345Z",
                "connection": 3,
                "peer": "[::1]:5000",
                "direction": "out",
                "size": 4,
                "truncated": False,
                "sent_by": "ada",
                "data": "AP8NCg==",
            }
        ],
    }


def test_no_messages_are_a_frame_too() -> None:
    assert json.loads(wire.messages(5, 8, 4, []))["messages"] == []
