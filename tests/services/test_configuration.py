"""A person's words become every field of a server, or every problem is named at once, each beside its field."""

import pytest

from services import configuration
from services.errors import ConfigurationRefused, PresetUnknown
from services.models import Server


def problems(words) -> dict[str, str]:
    with pytest.raises(ConfigurationRefused) as refused:
        configuration.complete(words)
    return refused.value.problems


def test_a_preset_needs_no_more_words():
    fields = configuration.complete({"preset": "echo"})
    assert (fields["name"], fields["kind"], fields["port"], fields["reply"]["type"]) == ("echo", "tcp", 8007, "echo")


def test_words_stand_above_the_preset():
    fields = configuration.complete({"preset": "echo", "name": "lab", "port": 9100, "reply": {"close": True}})
    assert (fields["name"], fields["port"]) == ("lab", 9100)
    assert (fields["reply"]["type"], fields["reply"]["close"]) == ("echo", True)


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(PresetUnknown, match="echo"):
        configuration.complete({"preset": "ecko"})


def test_every_field_has_its_default():
    fields = configuration.complete({"name": "a", "kind": "udp", "port": 9000})
    assert set(fields) == {*configuration.SPEC, *configuration.BESIDES}
    assert (fields["host"], fields["restart"], fields["retention"]) == ("127.0.0.1", "on-failure", {"rows": 100_000})


def test_every_problem_is_told_at_once():
    words = {"name": "No!", "kind": "tcp", "port": 0, "framing": {"type": "length", "size": 3}, "restart": "maybe"}
    assert set(problems(words)) == {"name", "port", "framing.size", "restart"}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "a" * 65}),
        ("name", {"name": "Ümlaut"}),
        ("kind", {"kind": "tls"}),
        ("transport", {"transport": "udp"}),
        ("host", {"host": "example.org"}),
        ("host", {"transport": "unix", "host": "relative.sock"}),
        ("host", {"transport": "unix", "host": "/tmp/" + "x" * 103}),
        ("port", {"port": 65_536}),
        ("port", {"port": True}),
        ("framing.type", {"framing": {"type": "magic"}}),
        ("framing", {"framing": {"typ": "line"}}),
        ("reply.text", {"reply": {"type": "fixed", "text": "\\q"}}),
        ("reply.text", {"reply": {"type": "fixed", "text": "a\0b"}}),
        ("limits.keep_bytes", {"limits": {"keep_bytes": -1}}),
        ("autostart", {"autostart": "yes"}),
        ("retention", {"retention": {"row": 1}}),
        ("retention.rows", {"retention": {"rows": 0}}),
        ("notes", {"notes": "x" * 10_001}),
        ("colour", {"colour": "red"}),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(field, words):
    found = problems({"name": "a", "kind": "tcp", "port": 9000} | words)
    assert list(found) == [field]
    assert found[field].endswith((".", "!"))


@pytest.mark.parametrize("name", ["a", "0", "a" * 64, "my_echo-2"])
def test_the_last_good_names(name):
    assert configuration.complete({"preset": "echo", "name": name})["name"] == name


def test_an_interval_of_zero_is_refused():
    assert "options.interval" in problems({"preset": "broadcast-sender", "options": {"interval": 0}})


def server(**more) -> Server:
    return Server(**configuration.complete({"preset": "echo"} | more))


def test_a_change_keeps_what_it_does_not_name():
    fields = configuration.changed(server(notes="mine"), {"reply": {"type": "upper"}})
    assert (fields["reply"]["type"], fields["port"], fields["notes"]) == ("upper", 8007, "mine")


def test_null_takes_a_key_back_to_its_default():
    before = server(limits={"keep_bytes": 10})
    assert configuration.changed(before, {"limits": {"keep_bytes": None}})["limits"]["keep_bytes"] == 65_536


def test_options_start_anew_with_a_new_kind():
    before = Server(**configuration.complete({"preset": "time"}))
    fields = configuration.changed(before, {"kind": "udp"})
    assert (fields["kind"], fields["transport"], fields["options"]) == ("udp", "udp", {})
