"""The form's fields cover the spec, and what does not apply is left out."""

import pytest
from django.http import QueryDict

from services.servers.spec import OPTIONS, TRANSPORTS, Framing, Limits, Reply
from sockpanel.pages import form
from sockpanel.pages.fields import FIELDS, defaults


def test_every_part_of_a_spec_has_a_field() -> None:
    wanted = {
        f"{name}.{field}"
        for name, part in (("framing", Framing), ("reply", Reply), ("limits", Limits))
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


def test_a_sentence_without_a_field_is_not_lost() -> None:
    assert form.others({"port": "a", "": "b", "node": "c"}) == ["b", "c"]
