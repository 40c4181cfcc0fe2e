"""Every command of the allow-list runs on this machine with each of its words, as whoever commands run as, and changes nothing."""

import pytest

from services.allow_list import COMMANDS
from services.presets import PRESETS
from tests.services.servers.commanding import all_of, running, signing_in
from tests.services.servers.commands.sides import LAB

SERVER = PRESETS["command"].server
WORDS = [
    (command["id"], word)
    for command in COMMANDS
    for slot in command["arguments"]
    for word in slot.get("choices", ["+%Y-%m-%d %H:%M"])
]
# Words that need another beside them, or a network with names
MAY_FAIL = {("hostname", "-f"), ("hostname", "-d"), ("hostname", "-i"), ("id", "-n")}


def test_the_designs_commands_are_on_it():
    assert [command["id"] for command in COMMANDS] == "uname uptime date hostname id df free ps".split()


async def test_every_command_runs_alone_and_with_each_of_its_words():
    failed = {}
    async with running(**SERVER | {"port": 1}) as it, signing_in(it, LAB) as session:
        for argv in [*((command["id"],) for command in COMMANDS), *WORDS]:
            events = await all_of(session, *argv)
            if events[-1].code != 0:
                failed[argv] = events
    assert {argv: events for argv, events in failed.items() if argv not in MAY_FAIL} == {}


@pytest.mark.parametrize(
    "argv",
    [
        ("date", "-s", "2000-01-01"),
        ("date", "--set=2000-01-01"),
        ("date", "-f", "/etc/passwd"),
        ("hostname", "other"),
        ("hostname", "-F", "/etc/passwd"),
        ("df", "/etc"),
        ("ps", "--help"),
    ],
)
async def test_what_changes_or_reads_something_is_not_taken(argv):
    async with running(**SERVER | {"port": 1}) as it, signing_in(it, LAB) as session:
        with pytest.raises(Exception, match="does not take"):
            await all_of(session, *argv)
