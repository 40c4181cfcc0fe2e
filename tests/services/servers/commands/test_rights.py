"""What a key may ask for, and how it is written down."""

import pytest

from services.errors import ArgumentRefused, CommandRefused, CommandUnknown
from services.servers.commands import rights
from services.servers.commands.allowed import Terms
from services.servers.commands.options import Allowed, CommandOptions, Slot
from services.servers.commands.wire import Offered, Run
from services.servers.report import Key

UNAME = Allowed("uname", "/usr/bin/uname", (Slot("flag", choices=("-s", "-n"), optional=True),), "the system")
OPTIONS = CommandOptions(commands=(UNAME, Allowed("df", "/usr/bin/df")), shell=True)


def key(**words: object) -> Key:
    return Key(public=b"k" * 32, name="lab", **words)


def order(run: Run, **words: object) -> rights.Order:
    return rights.order(OPTIONS, Terms(hidden="/data"), key(**words), run, connection=7, source="10.9.8.7:5000")


@pytest.mark.parametrize(("commands", "is_for"), [(None, True), (("uname", "df"), True), (("df",), False), ((), False)])
def test_a_key_is_for_its_commands(commands: tuple[str, ...] | None, is_for: bool):
    assert rights.permits(key(commands=commands), "uname") is is_for


@pytest.mark.parametrize("shell", [True, False])
def test_and_for_free_command_lines_when_it_says_so(shell: bool):
    assert rights.permits(key(shell=shell, commands=()), "shell") is shell


def test_it_is_offered_what_it_may_ask_for():
    offer = rights.welcome(OPTIONS, key(commands=("uname",)), "7")
    assert offer.commands == (Offered("uname", "the system", ("[-s|-n]",)),)
    assert (offer.session, offer.shell, offer.timeout) == ("7", False, 30.0)
    assert rights.welcome(OPTIONS, key(shell=True), "7").shell is True
    assert rights.welcome(CommandOptions(), key(shell=True), "7").shell is False


def test_an_order_tells_who_wants_what_from_where():
    asked = order(Run(1, argv=("uname", "a b"), who="ada"))
    assert (asked.command, asked.argv, asked.who, asked.key) == ("uname", ("uname", "a b"), "ada", "lab")
    assert (asked.connection, asked.source, asked.public) == (7, "10.9.8.7:5000", b"k" * 32)
    assert asked.line == "uname 'a b'"


def test_its_plan_is_that_of_the_allow_list():
    plan = order(Run(1, argv=("uname", "-s"))).plan()
    assert (plan.program, plan.argv[1:], plan.hidden) == ("/usr/bin/uname", ("-s",), "/data")


def test_a_free_command_line_is_written_down_as_it_was_typed():
    asked = order(Run(1, shell="id | wc -c"), shell=True)
    assert (asked.command, asked.argv, asked.line) == ("shell", ("id | wc -c",), "id | wc -c")
    assert asked.plan().argv == ("sh", "-c", "id | wc -c")


@pytest.mark.parametrize(
    ("run", "words", "error"),
    [
        (Run(1, argv=("rm",)), {}, CommandUnknown),
        (Run(1, argv=("uname", "-z")), {}, ArgumentRefused),
        (Run(1, argv=("uname",)), {"commands": ("df",)}, CommandRefused),
        (Run(1, shell="id"), {}, CommandRefused),
        (Run(1, argv=("shell",)), {"shell": True}, CommandUnknown),
    ],
)
def test_what_may_not_be_asked_for_is_refused_when_it_is_planned(run: Run, words: dict, error: type[Exception]):
    with pytest.raises(error):
        order(run, **words).plan()


def test_the_id_of_an_unknown_command_is_cut_short():
    assert len(order(Run(1, argv=("x" * 1000,))).command) == 64
