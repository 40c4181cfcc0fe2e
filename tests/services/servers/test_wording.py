"""Every field of every part has words of ours for what it may be."""

import msgspec
import pytest

from services.servers import wording
from services.servers.commands.options import Allowed, CommandOptions, Slot
from services.servers.spec import OPTIONS, Framing, Limits, Reply

PARTS = {Framing, Reply, Limits, Allowed, Slot, *OPTIONS.values()}
FIELDS = [(part, field) for part in sorted(PARTS, key=str) for field in part.__struct_fields__]
NEEDS = {Allowed: {"id": "a", "program": "/a"}, Slot: {"name": "a"}}


@pytest.mark.parametrize(("part", "field"), FIELDS)
def test_every_field_is_refused_in_our_words(part: type[msgspec.Struct], field: str):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({**NEEDS.get(part, {}), field: {}}, part)
    named, sentence = wording.refused("part", part, str(error.value))
    assert named == f"part.{field}"
    assert sentence.startswith(f"part.{field} is ")
    assert "`" not in sentence


@pytest.mark.parametrize("wrong", [{"a`b - at `$.type`": 1}, {"": 1}, {1: 2}, [1], 7])
def test_whatever_else_is_wrong_is_said_of_the_part(wrong: object):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(wrong, Framing)
    named, sentence = wording.refused("framing", Framing, str(error.value))
    assert (named, "max_bytes" in sentence) == ("framing", True)


# Parts in parts


def of_command(**words) -> dict:
    return {"commands": [{"id": "a", "program": "/a", **words}]}


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"commands": "x"}, "commands", "is a list; each of it is an object with id, program, "),
        ({"commands": [3]}, "commands.0", "is an object with id, program, "),
        (of_command(id=3), "commands.0.id", "is a text."),
        ({"commands": [{"id": "a"}]}, "commands.0.program", "is missing: it is a text."),
        (of_command(zz=1), "commands.0", "has no field 'zz': it has id, program, "),
        (of_command(arguments=["-s", 3]), "commands.0.arguments.1", "is a text or an object with name, choices, "),
        (of_command(arguments=[{"name": "x", "low": "a"}]), "commands.0.arguments.0.low", "is a whole number or null."),
        (of_command(arguments=[{"name": "x", "zz": 1}]), "commands.0.arguments.0", "has no field 'zz': it has name, "),
        (of_command(arguments=[{"name": "x", "choices": [1]}]), "commands.0.arguments.0.choices.0", "is a text."),
        ({"a` - at `$.commands": 1}, "commands", "has no field 'a'"),
        ({"a` - at `$[7].b": 1}, "", "has no field 'a'"),
    ],
)
def test_a_field_in_a_list_is_named_by_its_place(wrong: dict, field: str, sentence: str):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(wrong, CommandOptions)
    named, said = wording.refused("options", CommandOptions, str(error.value))
    assert named == f"options.{field}".rstrip(".")
    assert said.startswith(f"{named} {sentence}")
