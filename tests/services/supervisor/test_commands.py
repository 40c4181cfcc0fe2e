"""What a worker says of commands is checked: numbers grow, nothing ends that did not begin, nothing is without a bound."""

from typing import Any

import pytest

from services.errors import WorkerBroken
from services.servers.report import CommandBegun, CommandEnded
from services.supervisor import commands
from services.supervisor.commands import Commands


def begun(ask: int, **words: Any) -> CommandBegun:
    told = {"connection": 1, "at": 1, "key": "lab", "public": b"k" * 32, "who": "", "source": "::1", "command": "uname"}
    return CommandBegun(**{"ask": ask, "argv": ("uname",), **told, **words})


def ended(ask: int, **words: Any) -> CommandEnded:
    return CommandEnded(ask=ask, at=2, **words)


@pytest.mark.parametrize("ask", [0, 4, 5])
def test_a_number_that_was_there_already_is_refused(ask: int):
    open_ones = Commands()
    open_ones.begun(begun(5))
    with pytest.raises(WorkerBroken, match=f"Command {ask} came after command 5"):
        open_ones.begun(begun(ask))


def test_so_many_may_wait_to_be_written_down_and_no_more():
    open_ones = Commands()
    for ask in range(1, commands.MAX_UNRECORDED + 1):
        open_ones.begun(begun(ask))
    with pytest.raises(WorkerBroken, match="256 wait to be written down"):
        open_ones.begun(begun(1000))
    open_ones.recorded(1)
    open_ones.begun(begun(1000))


def test_so_many_may_run_and_no_more():
    open_ones = Commands()
    for ask in range(1, commands.MAX_OPEN + 1):
        open_ones.begun(begun(ask))
        open_ones.recorded(ask)
    with pytest.raises(WorkerBroken, match="4096 run"):
        open_ones.begun(begun(5000))
    open_ones.ended(ended(7))
    open_ones.begun(begun(5000))


def test_what_ended_does_not_end_again_nor_what_never_began():
    open_ones = Commands()
    open_ones.begun(begun(1))
    open_ones.ended(ended(1))
    for ask in (1, 2):
        with pytest.raises(WorkerBroken, match=f"Command {ask} ended, which is not open"):
            open_ones.ended(ended(ask))


@pytest.mark.parametrize(
    "words",
    [
        {"argv": ("x" * commands.MAX_ARGV,)},
        {"argv": ("",) * (commands.MAX_ARGV + 1)},
        {"source": "x" * commands.MAX_WORDS},
        {"public": b"k" * 33},
    ],
)
def test_a_command_that_no_client_can_ask_for_is_refused(words: dict[str, Any]):
    with pytest.raises(WorkerBroken, match="Command 1 is longer"):
        Commands().begun(begun(1, **words))


def test_the_longest_command_is_taken():
    Commands().begun(begun(1, argv=("x" * (commands.MAX_ARGV - 1),)))


@pytest.mark.parametrize("words", [{"why": "x" * 4_097}, {"output": b"x" * (commands.MAX_OUTPUT + 1)}])
def test_an_end_that_is_too_long_is_refused(words: dict[str, Any]):
    open_ones = Commands()
    open_ones.begun(begun(1))
    with pytest.raises(WorkerBroken, match="The end of command 1"):
        open_ones.ended(ended(1, **words))
