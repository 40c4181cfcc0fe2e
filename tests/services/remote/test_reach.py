"""Who registers a key reads which of its words nobody has."""

import pytest

from services.models import Key, Server
from services.remote import reach

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows() -> None:
    for name, commands in (("hall", ["date", "uname"]), ("lab", ["uname"])):
        Server.objects.create(name=name, kind="command", options={"commands": [{"id": one} for one in commands]})
    Server.objects.create(name="echo", kind="tcp", options={})


@pytest.mark.parametrize(
    ("servers", "commands", "warnings"),
    [
        ([], None, []),
        ([], [], []),
        (["hall"], ["date", "uname"], []),
        ([], ["date"], []),
        ([], ["nope", "uname", "odd"], ["No server allows nope, odd."]),
        (["lab"], ["date"], ["None of these servers allows date."]),
        (["echo", "gone", "lab"], ["uname"], ["No remote-command server is named echo, gone."]),
    ],
)
def test_words_that_nobody_has_are_named(servers: list[str], commands: list[str] | None, warnings: list[str]) -> None:
    assert reach.warnings(Key(name="ci", servers=servers, commands=commands), reach.offered()) == warnings
