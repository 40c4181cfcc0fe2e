"""Every field of every part has words of ours for what it may be."""

import msgspec
import pytest

from services.servers import wording
from services.servers.spec import OPTIONS, Framing, Limits, Reply

PARTS = {Framing, Reply, Limits, *OPTIONS.values()}
FIELDS = [(part, field) for part in sorted(PARTS, key=str) for field in part.__struct_fields__]


@pytest.mark.parametrize(("part", "field"), FIELDS)
def test_every_field_is_refused_in_our_words(part: type[msgspec.Struct], field: str):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({field: []}, part)
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
