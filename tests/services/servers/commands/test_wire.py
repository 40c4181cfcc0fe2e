"""The frames' bodies go out and come back, and what is none is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import FrameMalformed, FrameTooLong
from services.servers.commands import wire
from services.servers.commands.wire import Exit, Failure, Run

words = st.text(st.characters(codec="utf-8"), max_size=40)
numbers = st.integers(0, wire.MAX_NUMBER)


@given(numbers, st.lists(words, min_size=1, max_size=8).map(tuple), words)
def test_a_command_comes_back_word_for_word(number, argv, who):
    run = Run(number, argv=argv, who=who)
    assert wire.decode_run(wire.encode_run(run)) == run


@given(numbers, words)
def test_a_command_line_comes_back_letter_for_letter(number, line):
    assert wire.decode_run(wire.encode_run(Run(number, shell=line))) == Run(number, shell=line)


@given(numbers, st.none() | st.integers(0, 255), st.none() | st.integers(1, 64), st.booleans(), words)
def test_an_end_comes_back(number, code, signal, truncated, why):
    ended = Exit(
        number=number, code=code, signal=signal, seconds=0.25, stdout=7, stderr=2**40, truncated=truncated, why=why
    )
    assert wire.decode_exit(wire.encode_exit(number, ended)) == ended


@given(numbers, words)
def test_a_failure_comes_back(number, message):
    failure = Failure(number, "SP-5004", message)
    assert wire.decode_failure(wire.encode_failure(failure)) == failure


def test_the_json_of_an_end_is_as_the_protocol_says():
    told = json.loads(wire.encode_exit(1, Exit(code=3, seconds=0.5, stdout=9))[4:])
    assert told == {
        "code": 3,
        "signal": None,
        "seconds": 0.5,
        "stdout": 9,
        "stderr": 0,
        "truncated": False,
        "why": "",
    }


@pytest.mark.parametrize(
    "asked",
    [
        b"{}",
        b'{"argv": []}',
        b'{"argv": ["uname"], "shell": "uname"}',
        b'{"argv": "uname"}',
        b'{"argv": [1]}',
        b'{"argv": ["uname"], "user": "root"}',
        b'{"shell": null}',
        b'{"argv": ["\\ud800"]}',
        b'{"argv": ["\xff"]}',
        b"[]",
        b"",
        b'{"argv": ["uname"]} {"argv": ["id"]}',
    ],
)
def test_what_asks_for_no_command_or_two_is_refused(asked):
    with pytest.raises(FrameMalformed):
        wire.decode_run(wire.with_number(1, asked))


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\0\0"])
def test_a_body_without_a_number_is_refused(body):
    with pytest.raises(FrameMalformed, match="no room for a command's number"):
        wire.decode_run(body)


def test_the_longest_command_and_the_first_that_is_too_long():
    longest = wire.MAX_COMMAND - len(b'{"shell":""}')
    assert len(wire.encode_run(Run(1, shell="x" * longest))) == 4 + wire.MAX_COMMAND
    with pytest.raises(FrameTooLong, match=f"{wire.MAX_COMMAND + 1:,} bytes > max {wire.MAX_COMMAND:,}"):
        wire.encode_run(Run(1, shell="x" * (longest + 1)))


def test_bytes_that_are_no_text_are_no_command():
    with pytest.raises(FrameMalformed, match="no text"):
        wire.encode_run(Run(1, argv=("\udcff",)))


def test_json_nested_without_end_is_refused():
    with pytest.raises(FrameMalformed):
        wire.decode_run(wire.with_number(1, b'{"argv":' + b"[" * 60_000))
