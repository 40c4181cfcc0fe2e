"""The form's fields cover the spec, and what does not apply is left out."""

import pytest
from django.http import QueryDict

from services.servers.spec import OPTIONS, TRANSPORTS, Framing, Limits, Reply, Tls
from sockpanel.pages import form
from sockpanel.pages.fields import FIELDS, defaults, values_of


def test_every_part_of_a_spec_has_a_field() -> None:
    wanted = {
        f"{name}.{field}"
        for name, part in (("framing", Framing), ("reply", Reply), ("limits", Limits), ("tls", Tls))
        for field in part.__struct_fields__
    }
    wanted |= {f"options.{field}" for part in OPTIONS.values() for field in part.__struct_fields__}
    assert wanted <= {field.name for field in FIELDS}


def test_every_kind_and_transport_can_be_chosen() -> None:
    choices = {field.name: {value for value, _ in field.choices} for field in FIELDS}
    assert choices["kind"] == set(TRANSPORTS)
    assert choices["transport"] == {transport for allowed in TRANSPORTS.values() for transport in allowed}


def test_conditions_name_fields_and_their_values() -> None:
    choices = {field.name: {value for value, _ in field.choices} for field in FIELDS}
    for field in FIELDS:
        for other, allowed in field.when.items():
            assert set(allowed) <= choices[other], field.name


@pytest.mark.parametrize(
    ("chosen", "name", "applies"),
    [
        ({"kind": "tcp", "transport": "tcp", "framing.type": "length"}, "framing.size", True),
        ({"kind": "tcp", "transport": "tcp", "framing.type": "line"}, "framing.size", False),
        ({"kind": "udp", "transport": "udp"}, "framing.type", False),
        ({"kind": "time", "transport": "udp"}, "options.format", True),
        ({"kind": "time", "transport": "udp"}, "options.message", False),
        ({"kind": "tcp", "transport": "unix"}, "port", False),
        ({"kind": "command", "transport": "tcp"}, "port", True),
        ({"kind": "command", "transport": "tcp"}, "options.commands", True),
        ({"kind": "command", "transport": "tcp", "options.dialect": "ready"}, "options.commands", False),
        ({"kind": "command", "transport": "tcp", "options.dialect": "ready"}, "options.shell", False),
        ({"kind": "command", "transport": "tcp"}, "framing.type", False),
        ({"kind": "tcp", "transport": "tcp"}, "options.shell", False),
    ],
)
def test_choices_decide_which_fields_apply(chosen: dict[str, str], name: str, applies: bool) -> None:
    field = next(field for field in FIELDS if field.name == name)
    assert form.applies(field, defaults() | chosen) is applies


def test_a_transport_that_the_kind_lacks_becomes_its_first() -> None:
    words, values, problems = form.read(QueryDict("kind=udp&transport=tcp&port=9"))
    assert (words["transport"], values["transport"], problems) == ("udp", "udp", {})


def test_blanks_are_bytes_in_a_text_and_nothing_around_a_name() -> None:
    words, _, _ = form.read(
        QueryDict("kind=tcp&transport=tcp&name=+lab+&reply.type=fixed&reply.text=+a++b+&notes=a%0D%0Ab")
    )
    assert (words["name"], words["reply"]["text"], words["notes"]) == ("lab", " a  b ", "a\nb")


@pytest.mark.parametrize("text", ["1_0", "+9", "٣", "１", "0x9", "9.0"])
def test_a_number_is_written_in_plain_digits(text: str) -> None:
    posted = QueryDict(mutable=True)
    posted.update({"kind": "tcp", "transport": "tcp", "port": text})
    words, values, problems = form.read(posted)
    assert (words["port"], values["port"], "write a number, in digits" in problems["port"]) == (text, text, True)


def test_a_sentence_without_a_field_is_not_lost() -> None:
    assert form.others({"port": "a", "": "b", "node": "c"}) == ["b", "c"]


def test_the_list_of_allowed_commands_is_written_with_one_a_line_and_read_back() -> None:
    commands = [{"id": "uname", "program": "/usr/bin/uname", "arguments": ["-s"]}, {"id": "größe", "program": "/x"}]
    shown = next(
        one
        for group in form.groups(values_of({"kind": "command", "options": {"commands": commands}}), {}, {})
        for one in group.fields
        if one.field.name == "options.commands"
    )
    assert shown.value.count("\n") == 3
    assert "größe" in shown.value
    posted = QueryDict(mutable=True)
    posted.update({"kind": "command", "transport": "tcp", "options.dialect": "frames", "options.commands": shown.value})
    words, _, problems = form.read(posted)
    assert (words["options"]["commands"], problems) == (commands, {})


@pytest.mark.parametrize(
    ("text", "sentence"), [("[", "this is no JSON"), ("{}", "write a list"), ("[" * 99_999, "no JSON")]
)
def test_what_is_no_json_list_is_said_beside_it_and_stands_there_again(text: str, sentence: str) -> None:
    posted = QueryDict(mutable=True)
    posted.update({"kind": "command", "transport": "tcp", "options.dialect": "frames", "options.commands": text})
    _, values, problems = form.read(posted)
    assert sentence in problems["options.commands"]
    assert values["options.commands"] == text


def test_problems_of_single_commands_stand_beside_the_list() -> None:
    problems = {"options.commands.0.program": "No path.", "options.commands.1.id": "No id.", "port": "No port."}
    (shown,) = [
        one
        for group in form.groups(defaults(), problems, {})
        for one in group.fields
        if one.field.name == "options.commands"
    ]
    assert shown.problem == "No path. No id."
    assert form.others(problems) == []


def test_a_kind_can_be_left_out_of_the_choice() -> None:
    (kind,) = [
        one
        for group in form.groups(defaults(), {}, {}, without=("command",))
        for one in group.fields
        if one.field.name == "kind"
    ]
    assert {value for value, _ in kind.field.choices} == set(TRANSPORTS) - {"command"}
