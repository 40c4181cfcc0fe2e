"""A spec survives the way to its worker."""

import msgspec
import pytest

from services.errors import SockpanelError
from services.servers import spec, validation

WORDS = [
    {
        "kind": "tcp",
        "port": 8007,
        "framing": {"type": "line"},
        "reply": {"type": "fixed", "text": "over", "close": True},
    },
    {"kind": "tcp", "transport": "unix", "host": "/tmp/a.sock", "limits": {"keep_bytes": 0}},
    {"kind": "udp", "host": "::", "port": 1},
    {"kind": "time", "port": 9000, "options": {"format": "%Y", "timezone": "UTC"}},
    {"kind": "broadcast-sender", "options": {"interval": 0.5, "count": 3}},
    {"kind": "broadcast-receiver", "host": "0.0.0.0", "port": 9999},
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words["kind"])
def test_what_is_taken_apart_is_put_together_again(words):
    made = validation.build({"name": "a", **words})
    sent = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(made)))
    assert spec.restore(sent) == made


def test_what_is_no_spec_is_refused():
    fields = msgspec.to_builtins(validation.build({"name": "a", **WORDS[0]}))
    with pytest.raises(msgspec.ValidationError):
        spec.restore(fields | {"framing": {"type": "morse"}})
    assert not issubclass(msgspec.ValidationError, SockpanelError)


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ({"kind": "tcp", "port": 8007}, "127.0.0.1:8007"),
        ({"kind": "tcp", "host": "::1", "port": 8007}, "[::1]:8007"),
        ({"kind": "udp", "transport": "unix-dgram", "host": "/tmp/a.sock"}, "/tmp/a.sock"),
    ],
)
def test_an_address_is_written_as_people_do(words, address):
    assert validation.build({"name": "a", **words}).address == address
