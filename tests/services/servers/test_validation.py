"""A person's words: the last good and the first bad value of each, and every problem at once."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import ConfigurationRefused
from services.servers import validation

PATH = {"kind": "tcp", "transport": "unix"}
READY = {"kind": "command", "options": {"dialect": "ready"}}
ALLOWED = {"id": "uname", "program": "/usr/bin/uname"}
SENDER = {"kind": "broadcast-sender", "host": "0.0.0.0"}


def problems(**words) -> dict[str, str]:
    try:
        validation.build({"name": "a", "kind": "tcp", "port": 9000, **words})
    except ConfigurationRefused as error:
        return error.problems
    return {}


@pytest.mark.parametrize(
    "words",
    [
        {"name": "a" * 64},
        {"port": 1},
        {"port": 65_535},
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "fe80::1%eth0"},
        {"host": "localhost"},
        {**PATH, "host": "/" + "a" * 106},
        {"framing": {"type": "length", "size": 8}},
        {"framing": {"type": "fixed", "size": 1}},
        {"framing": {"type": "fixed", "size": 4, "max_bytes": 4}},
        {"framing": {"type": "delimiter", "delimiter": "x" * 64}},
        {"framing": {"max_bytes": 16 * 1024 * 1024}},
        {"framing": None, "reply": None, "limits": None, "options": None},
        {"reply": {"type": "fixed", "text": ""}},
        {"limits": {"keep_bytes": 0}},
        {"limits": {"keep_bytes": 1024 * 1024}},
        {"limits": {"connections": 100_000}},
        {"limits": {"write_timeout": 1}},
        {"kind": "time", "options": {"format": "x" * 64}},
        {"kind": "udp", "transport": "unix-dgram", "host": "/a", "port": None},
        {**SENDER, "options": {"interval": 0.1, "count": 0, "message": "x" * 1400}},
        {**SENDER, "host": "::1", "options": {"destination": "[ff02::1]:9999"}},
        {**SENDER, "port": 0},
        {"kind": "command", "host": "0.0.0.0"},
        {**READY, "host": "127.0.0.2"},
        {**READY, "host": "::1"},
        {"kind": "command", "options": {"dialect": "ready", "output_bytes": 1024 * 1024}},
    ],
)
def test_the_last_good_value(words):
    assert problems(**words) == {}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("name", {"name": "a" * 65}),
        ("name", {"name": "Echo"}),
        ("name", {"name": "-a"}),
        ("name", {"name": "a\n"}),
        ("kind", {"kind": "ftp"}),
        ("kind", {"kind": ["tcp"]}),
        ("transport", {"transport": "udp"}),
        ("port", {"port": 0}),
        ("port", {"port": 65_536}),
        ("port", {"port": "8007"}),
        ("port", {"port": True}),
        ("host", {"host": "example.org"}),
        ("host", {"host": 7}),
        ("host", {"host": "127.0.0.1\n"}),
        ("host", {"host": "fe80::1%" + "x" * 16}),
        ("host", {**PATH, "host": "a.sock"}),
        ("host", {**PATH, "host": "/" + "a" * 107}),
        ("host", {**PATH, "host": "/" + "é" * 54}),
        ("host", {**PATH, "host": "/a\0b"}),
        ("host", {**PATH, "host": "/a\ud800"}),
        ("framing.type", {"framing": {"type": "morse"}}),
        ("framing.size", {"framing": {"type": "length", "size": 3}}),
        ("framing.size", {"framing": {"type": "fixed", "size": 0}}),
        ("framing.size", {"framing": {"size": 10**30}}),
        ("framing.size", {"framing": {"type": "fixed", "size": "4"}}),
        ("framing.max_bytes", {"framing": {"max_bytes": 0}}),
        ("framing.max_bytes", {"framing": {"max_bytes": 16 * 1024 * 1024 + 1}}),
        ("framing.max_bytes", {"framing": {"type": "fixed", "size": 5, "max_bytes": 4}}),
        ("framing.delimiter", {"framing": {"type": "delimiter"}}),
        ("framing.delimiter", {"framing": {"type": "delimiter", "delimiter": "x" * 65}}),
        ("framing.delimiter", {"framing": {"type": "delimiter", "delimiter": "\\"}}),
        ("framing", {"framing": [1]}),
        ("framing", {"framing": {"colour": "red"}}),
        ("reply.text", {"reply": {"type": "fixed", "text": r"\q"}}),
        ("reply.text", {"reply": {"type": "suffix", "text": "x" * 65_537}}),
        ("reply.text", {"reply": {"text": "\ud800"}}),
        ("reply.close", {"kind": "udp", "reply": {"type": "echo", "close": True}}),
        ("reply.type", {"kind": "time", "reply": {"type": "echo"}}),
        ("framing.type", {"kind": "udp", "framing": {"type": "line"}}),
        ("limits.keep_bytes", {"limits": {"keep_bytes": 1024 * 1024 + 1}}),
        ("limits.connections", {"limits": {"connections": 0}}),
        ("limits.write_timeout", {"limits": {"write_timeout": 0.9}}),
        ("limits.write_timeout", {"limits": {"write_timeout": float("nan")}}),
        ("options", {"options": {"format": "%Y"}}),
        ("options.format", {"kind": "time", "options": {"format": "x" * 65}}),
        ("options.timezone", {"kind": "time", "options": {"timezone": "Mars/Olympus"}}),
        ("options.interval", {**SENDER, "options": {"interval": 0.09}}),
        ("options.interval", {**SENDER, "options": {"interval": 0}}),
        ("options.count", {**SENDER, "options": {"count": -1}}),
        ("options.count", {**SENDER, "options": {"count": 10**30}}),
        ("options.message", {**SENDER, "options": {"message": "x" * 1401}}),
        ("options.destination", {**SENDER, "options": {"destination": "255.255.255.255"}}),
        ("options.destination", {**SENDER, "options": {"destination": "[ff02::1]:9999"}}),
        ("transport", {"kind": "command", "transport": "unix"}),
        ("framing.type", {"kind": "command", "framing": {"type": "line"}}),
        ("reply.type", {"kind": "command", "reply": {"type": "echo"}}),
        ("options.commands.0.program", {"kind": "command", "options": {"commands": [ALLOWED | {"program": "uname"}]}}),
        ("options.commands.1.id", {"kind": "command", "options": {"commands": [ALLOWED, ALLOWED]}}),
        ("host", {**READY, "host": "0.0.0.0"}),
        ("host", {**READY, "host": "192.0.2.1"}),
        ("host", {**READY, "host": "::"}),
        ("options.commands", {"kind": "command", "options": {"dialect": "ready", "commands": [ALLOWED]}}),
        ("options.shell", {"kind": "command", "options": {"dialect": "ready", "shell": True}}),
        ("options.output_bytes", {"kind": "command", "options": {"dialect": "ready", "output_bytes": 1024 * 1024 + 1}}),
    ],
)
def test_the_first_bad_value_is_refused_beside_its_field(field, words):
    found = problems(**words)
    assert list(found) == [field]
    assert found[field].endswith(".")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"framing": {"type": "zzz"}}, "framing.type is one of none, line, delimiter, fixed, length."),
        ({"framing": {"order": 1}}, "framing.order is one of big, little."),
        ({"framing": {"size": "4"}}, "framing.size is a whole number."),
        ({"framing": {"includes_itself": 1}}, "framing.includes_itself is true or false."),
        ({"framing": {"delimiter": None}}, "framing.delimiter is a text."),
        ({"limits": {"write_timeout": "x"}}, "limits.write_timeout is a number."),
        (
            {"framing": {"colour": "red"}},
            "framing has no field 'colour': it has type, size, delimiter, order, includes_itself, max_bytes.",
        ),
        ({"options": {"colour": "red"}}, "options has no field 'colour': this kind of server has none."),
        ({"framing": [1]}, "framing is an object with type, size, delimiter, order, includes_itself, max_bytes."),
    ],
)
def test_what_is_no_value_of_a_field_is_told_what_would_be(words, sentence):
    assert list(problems(**words).values()) == [sentence]


def test_every_problem_is_told_at_once():
    found = problems(name="", port=0, framing={"type": "length"}, limits={"connections": 0})
    assert set(found) == {"name", "port", "framing.size", "limits.connections"}


def test_an_ipv4_address_in_ipv6_clothes_is_taken_for_what_it_is():
    assert validation.build({"name": "a", "kind": "tcp", "host": "::ffff:127.0.0.1", "port": 1}).host == "127.0.0.1"


@given(
    st.dictionaries(
        st.sampled_from(["kind", "transport", "host", "port", "framing", "reply", "options", "limits", "name"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=9)
            | st.sampled_from(["tcp", "udp"]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_any_words_are_taken_or_refused_and_never_break_anything(words):
    with contextlib.suppress(ConfigurationRefused):
        validation.build(words)
