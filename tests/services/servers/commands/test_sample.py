"""The line that is shown is one that the server takes."""

import msgspec

from services.allow_list import COMMANDS
from services.servers.commands import allowed
from services.servers.commands.allowed import Terms
from services.servers.commands.options import Allowed, CommandOptions, Slot
from services.servers.commands.sample import sample


def test_the_list_that_servers_begin_with_is_shown_by_a_line_that_it_takes() -> None:
    options = msgspec.convert({"commands": COMMANDS}, CommandOptions)
    assert sample(options) == ("uname", "-a")
    assert allowed.plan(options, sample(options), Terms()).argv == ("/usr/bin/uname", "-a")


def test_a_command_whose_words_cannot_be_made_up_is_passed_over() -> None:
    secret = Allowed("ping", "/bin/ping", (Slot("host", pattern="[a-z]+"),))
    kill = Allowed(
        "kill", "/bin/kill", ("-s", Slot("why", pattern="[a-z]+", optional=True), Slot("pid", low=2, high=9))
    )
    options = CommandOptions(commands=(secret, kill))
    assert sample(options) == ("kill", "2")
    assert allowed.plan(options, sample(options), Terms()).argv == ("/bin/kill", "-s", "2")
    assert sample(CommandOptions(commands=(secret,))) == ()
