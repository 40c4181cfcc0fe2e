"""Messages and datagrams as bytes, and nothing else believed."""

from enum import IntEnum

import msgspec
import pytest
from django.utils.safestring import mark_safe
from hypothesis import given, settings
from hypothesis import strategies as st

from services.bus import wire

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
DATAGRAMS = [
    wire.Letter("", 1, "a!b", b"payload"),
    wire.Circular("epoch", 2, "panel", b"", 70_000),
    wire.Wake("", 0, "jobs"),
    wire.Join("", 0, "panel", "a!b"),
    wire.Leave("", 0, "panel", "a!b"),
]


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_a_message_comes_back_as_it_was(message):
    if "__asgi_channel__" not in message:
        assert wire.unpack(wire.pack(message, 2**20)) == message


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_no_layer_wrote_are_none_and_never_an_error(data):
    assert wire.decode(data) is None or data
    message = wire.unpack(data)
    assert message is None or isinstance(message, dict)


@pytest.mark.parametrize("datagram", DATAGRAMS, ids=lambda datagram: type(datagram).__name__)
def test_a_datagram_comes_back_as_it_was(datagram):
    assert wire.decode(wire.encode(datagram)) == datagram


@pytest.mark.parametrize(
    "alien",
    [
        [9, "", 0, "jobs"],
        [3, "", -1, "jobs"],
        [3, "", 0, ""],
        [3, "", 0, "x" * 101],
        [3, "x" * 33, 0, "jobs"],
        [3, "", 0, "jobs", "more"],
        [1, "", 0, "a!b", "text", 0],
        {"t": 3},
        7,
    ],
    ids=repr,
)
def test_a_datagram_that_is_wrong_in_one_place_is_none(alien):
    assert wire.decode(msgspec.msgpack.encode(alien)) is None


@pytest.mark.parametrize("alien", [[1], 1, {1: 2}, {"a": {1: 2}}, {"a": msgspec.msgpack.Ext(5, b"")}, {"a": 2**63}])
def test_a_message_of_types_that_cannot_be_sent_is_none(alien):
    assert wire.unpack(msgspec.msgpack.encode(alien)) is None


def test_a_message_nested_without_end_is_none():
    assert wire.unpack(b"\x81\xa1a" + b"\x91" * 100_000) is None


def test_kinds_of_text_and_number_are_sent_as_the_plain_thing():
    class Level(IntEnum):
        HIGH = 3

    message = wire.unpack(wire.pack({mark_safe("a"): mark_safe("b"), "level": Level.HIGH}, 1_000))
    assert message == {"a": "b", "level": 3}


def test_the_layers_own_key_cannot_be_sent():
    with pytest.raises(TypeError, match="__asgi_channel__"):
        wire.pack({"__asgi_channel__": "a!b"}, 1_000)
