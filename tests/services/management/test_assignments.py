"""`--set` means fields, each of its own type."""

import pytest

from services.errors import RequestRefused
from services.management.assignments import fields


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ([], {}),
        (["framing.type=line"], {"framing": {"type": "line"}}),
        (["framing.size=4", "framing.type=length"], {"framing": {"size": 4, "type": "length"}}),
        (["reply.text=5"], {"reply": {"text": "5"}}),
        (["reply.text=a=b"], {"reply": {"text": "a=b"}}),
        (["reply.text="], {"reply": {"text": ""}}),
        (["reply.close=true"], {"reply": {"close": True}}),
        (["options.interval=0.5", "options.message=7"], {"options": {"interval": 0.5, "message": "7"}}),
        (["options.format=%H"], {"options": {"format": "%H"}}),
        (["limits.allow=10.0.0.0/8"], {"limits": {"allow": ["10.0.0.0/8"]}}),
        (["limits.deny=10.1.0.0/16, fd00::/8"], {"limits": {"deny": ["10.1.0.0/16", "fd00::/8"]}}),
        (['limits.deny=["10.1.0.0/16"]', "limits.allow="], {"limits": {"deny": ["10.1.0.0/16"], "allow": []}}),
        (["limits.connections=many"], {"limits": {"connections": "many"}}),
        (["port=9000", "autostart=true", "notes=1"], {"port": 9000, "autostart": True, "notes": "1"}),
        (["retention.rows=5"], {"retention": {"rows": 5}}),
        (['retention={"age": 60}'], {"retention": {"age": 60}}),
        (["colour=red"], {"colour": "red"}),
    ],
)
def test_values_have_the_type_of_their_field(words: list[str], meaning: dict[str, object]) -> None:
    assert fields(words) == meaning


@pytest.mark.parametrize("words", [["framing"], ["=line"], ["framing=7", "framing.type=line"]])
def test_what_is_no_assignment_is_refused(words: list[str]) -> None:
    with pytest.raises(RequestRefused):
        fields(words)
