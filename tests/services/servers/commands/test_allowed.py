"""The allow-list: words fill slots, one each, unchanged; everything else is refused by name."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import ArgumentRefused, CommandRefused, CommandUnknown
from services.servers.commands import allowed
from services.servers.commands.allowed import Terms
from services.servers.commands.options import Allowed, CommandOptions

OPTIONS = msgspec.convert(
    {
        "commands": [
            {
                "id": "df",
                "program": "/usr/bin/df",
                "arguments": [
                    "-P",
                    {"name": "units", "choices": ["-h", "-k"], "optional": True},
                    "--",
                    {"name": "path", "pattern": "/[a-z/]*", "optional": True, "many": 2},
                ],
            },
            {"id": "kill", "program": "/bin/kill", "arguments": [{"name": "pid", "low": 2, "high": 99}]},
            {
                "id": "say",
                "program": "/bin/echo",
                "arguments": ["--", {"name": "text", "pattern": "(?s).*", "many": 9}],
            },
            {"id": "long", "program": "/bin/true", "timeout": 60, "output_bytes": 10, "processes": 2, "network": True},
        ]
    },
    CommandOptions,
)
HOSTILE = [
    "; id",
    "$(id)",
    "`id`",
    "| id",
    "a b",
    "*",
    "~",
    "$IFS",
    "\n",
    "a\nb",
    "'",
    '"',
    "\\",
    "&& id",
    "> /tmp/x",
    "{a,b}",
    "%s",
]


def argv(*words: str) -> tuple[str, ...]:
    return allowed.plan(OPTIONS, words, Terms()).argv


def test_words_fill_the_slots_between_what_is_always_there():
    assert argv("df") == ("/usr/bin/df", "-P", "--")
    assert argv("df", "-h", "/tmp") == ("/usr/bin/df", "-P", "-h", "--", "/tmp")
    assert argv("df", "/a", "/b") == ("/usr/bin/df", "-P", "--", "/a", "/b")


@pytest.mark.parametrize("word", HOSTILE)
def test_what_a_shell_would_act_on_stays_one_word(word: str):
    assert argv("say", word) == ("/bin/echo", "--", word)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=256), min_size=1, max_size=9
    )
)
def test_every_text_stays_where_it_was_and_what_it_was(words: list[str]):
    if any(word.startswith("-") for word in words):
        with pytest.raises(ArgumentRefused):
            argv("say", *words)
    else:
        assert argv("say", *words) == ("/bin/echo", "--", *words)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("df", "-x"), "'-x'"),
        (("df", "/a", "/b", "/c"), "'/c'"),
        (("df", "/A"), "'/A'"),
        (("df", "/a\n"), "'/a\\n'"),
        (("kill",), "it is missing"),
        (("kill", "1"), "'1'"),
        (("kill", "100"), "'100'"),
        (("kill", "٣"), "'٣'"),
        (("kill", "1_0"), "'1_0'"),
        (("kill", " 9"), "' 9'"),
        (("say", "-n"), "'-n'"),
        (("say", "a\0b"), "'a\\x00b'"),
        (("say", "x" * 257), "does not fit"),
        (("long", "more"), "takes no words"),
    ],
)
def test_what_fits_no_slot_is_refused_by_name(words: tuple[str, ...], named: str):
    with pytest.raises(ArgumentRefused) as caught:
        argv(*words)
    assert named in caught.value.message


@pytest.mark.parametrize("word", ["2", "99"])
def test_a_number_may_be_as_low_and_as_high_as_is_said(word: str):
    assert argv("kill", word) == ("/bin/kill", word)


@pytest.mark.parametrize("words", [(), ("DF",), ("/usr/bin/df",), ("df ",), ("x" * 300,)])
def test_only_what_is_on_the_list_is_known(words: tuple[str, ...]):
    with pytest.raises(CommandUnknown) as caught:
        argv(*words)
    assert "df, kill, say, long" in caught.value.message
    assert len(caught.value.message) < 200


def test_a_command_may_have_limits_of_its_own():
    own, common = allowed.plan(OPTIONS, ["long"], Terms()), allowed.plan(OPTIONS, ["df"], Terms((5, 6), "/secret"))
    assert (own.seconds, own.output_bytes, own.processes, own.network) == (60, 10, 2, True)
    assert (common.seconds, common.output_bytes, common.processes, common.network) == (30, 262_144, 64, False)
    assert (common.user, common.hidden, common.caged) == ((5, 6), "/secret", True)


def test_a_free_command_line_needs_the_switch():
    with pytest.raises(CommandRefused):
        allowed.shell(OPTIONS, "id", Terms())
    free = allowed.shell(msgspec.structs.replace(OPTIONS, shell=True), "id | wc", Terms())
    assert (free.program, free.argv, free.caged) == ("/bin/sh", ("sh", "-c", "id | wc"), False)


@pytest.mark.parametrize("line", ["", "  ", "a\0b", "x" * 16_385])
def test_a_free_command_line_has_a_length_and_no_nul(line: str):
    with pytest.raises(ArgumentRefused):
        allowed.shell(msgspec.structs.replace(OPTIONS, shell=True), line, Terms())


def test_a_program_is_looked_up_on_the_path_and_nowhere_else():
    assert allowed.program(OPTIONS, ["ls", "-l"], Terms()).program in ("/usr/bin/ls", "/bin/ls")
    for name in ("./ls", "../bin/ls", "no-such-program", "", "/etc", "/no/such"):
        with pytest.raises(CommandUnknown):
            allowed.program(OPTIONS, [name], Terms())


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_what_no_program_can_be_given_as_a_word_is_refused(word: str):
    options = msgspec.structs.replace(OPTIONS, shell=True)
    for ask in (
        lambda: allowed.program(options, ["ls", word], Terms()),
        lambda: allowed.shell(options, word, Terms()),
        lambda: allowed.plan(options, ["say", word], Terms()),
    ):
        with pytest.raises(ArgumentRefused):
            ask()


def test_of_a_long_allow_list_a_refusal_names_the_first():
    many = CommandOptions(commands=tuple(Allowed(id=f"c{number}", program="/bin/true") for number in range(100)))
    with pytest.raises(CommandUnknown) as caught:
        allowed.plan(many, ["x"], Terms())
    assert caught.value.message.endswith("c18, c19, ....")


def test_people_are_told_what_each_slot_takes():
    assert allowed.usage(OPTIONS.commands[0]) == ["[-h|-k]", "[PATH ...]"]
    assert allowed.usage(OPTIONS.commands[1]) == ["PID"]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        ({"id": "UP", "program": "/bin/true"}, "id"),
        ({"id": "shell", "program": "/bin/true"}, "id"),
        ({"id": "a", "program": "true"}, "program"),
        ({"id": "a", "program": "/bin/../bin/true"}, "program"),
        ({"id": "a", "program": "/bin/true", "timeout": 301}, "timeout"),
        ({"id": "a", "program": "/bin/true", "memory_bytes": 1}, "memory_bytes"),
        ({"id": "a", "program": "/bin/true", "arguments": ["a\0"]}, "arguments.0"),
        ({"id": "a", "program": "/bin/true", "arguments": [{"name": "n"}]}, "arguments.0"),
        ({"id": "a", "program": "/bin/true", "arguments": [{"name": "n", "pattern": "("}]}, "arguments.0"),
        ({"id": "a", "program": "/bin/true", "arguments": [{"name": "n", "pattern": "a", "low": 1}]}, "arguments.0"),
        ({"id": "a", "program": "/bin/true", "arguments": [{"name": "n", "low": 2, "high": 1}]}, "arguments.0"),
        ({"id": "a", "program": "/bin/true", "arguments": [{"name": "n", "choices": ["x"], "many": 0}]}, "arguments.0"),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_field(command: dict, field: str):
    problems: dict[str, str] = {}
    allowed.check(msgspec.convert({"commands": [command]}, CommandOptions), problems)
    assert list(problems) == [f"options.commands.0.{field}"]


def test_two_commands_of_one_name_are_refused_and_a_sound_list_is_not():
    problems: dict[str, str] = {}
    allowed.check(OPTIONS, problems)
    assert problems == {}
    allowed.check(msgspec.convert({"commands": [{"id": "a", "program": "/a"}] * 2}, CommandOptions), problems)
    assert list(problems) == ["options.commands.1.id"]


LAST_GOOD = {
    "timeout": (1.0, 300.0),
    "output_bytes": (1, 2**30),
    "memory_bytes": (2**24, 2**36),
    "processes": (1, 4096),
}


@pytest.mark.parametrize("field", LAST_GOOD)
def test_limits_have_a_lowest_and_a_highest_value(field: str):
    low, high = LAST_GOOD[field]
    for value, good in (
        (low, True),
        (high, True),
        (low - 0.1 if field == "timeout" else low - 1, False),
        (high + 1, False),
    ):
        problems: dict[str, str] = {}
        allowed.check(CommandOptions(**{field: value}), problems)
        assert list(problems) == ([] if good else [f"options.{field}"])


def test_a_commands_own_limits_may_be_the_servers():
    problems: dict[str, str] = {}
    allowed.check(
        CommandOptions(commands=(Allowed(id="a", program="/bin/true", timeout=float("nan"), processes=-1),)), problems
    )
    assert problems == {
        "options.commands.0.timeout": "timeout is from 1 to 300, or 0 for the server's.",
        "options.commands.0.processes": "processes is from 1 to 4,096, or 0 for the server's.",
    }


@pytest.mark.parametrize(
    ("field", "value"), [("at_once", 0), ("at_once", 257), ("at_once_per_key", 0), ("at_once_per_key", 257)]
)
def test_how_many_commands_run_at_once_has_a_limit(field: str, value: int):
    problems: dict[str, str] = {}
    allowed.check(CommandOptions(**{field: value}), problems)
    assert list(problems) == [f"options.{field}"]


def test_an_allow_list_has_100_commands_at_most():
    for count, good in ((100, True), (101, False)):
        problems: dict[str, str] = {}
        allowed.check(CommandOptions(commands=tuple(Allowed(id=f"c{n}", program="/a") for n in range(count))), problems)
        assert (problems == {}) is good
