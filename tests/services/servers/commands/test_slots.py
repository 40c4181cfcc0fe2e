"""A slot takes a word or does not; a slot that makes no sense is told of."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.servers.commands import slots
from services.servers.commands.options import Slot


def pattern(text: str) -> Slot:
    return Slot("word", pattern=text)


@given(st.integers(-(10**18), 10**18), st.integers(-100, 100), st.integers(-100, 100))
def test_a_number_fits_between_low_and_high(number: int, low: int, high: int):
    assert slots.fits(Slot("n", low=low, high=high), str(number)) is (low <= number <= high)


@pytest.mark.parametrize("word", ["+1", "1.0", "1e1", "0x1", "１", "1 ", "", "-", "--1", "1" * 19])
def test_what_is_no_plain_whole_number_fits_no_range(word: str):
    assert not slots.fits(Slot("n", low=-(10**17), high=10**18), word)


def test_a_choice_is_the_whole_word_in_its_very_letters():
    slot = Slot("units", choices=("-h", "-k"))
    assert [slots.fits(slot, word) for word in ("-h", "-H", "-", "-hk", "h", "-h ")] == [True] + [False] * 5


def test_a_pattern_fits_the_whole_word():
    slot = pattern("[a-z]+")
    assert [slots.fits(slot, word) for word in ("abc", "abc1", "1abc", "abc\n", "\nabc", "")] == [True] + [False] * 5


@pytest.mark.parametrize("text", [".*", "-.*", "(?s).*", "[^x]*", "-n|a"])
def test_no_pattern_lets_an_option_through(text: str):
    assert not slots.fits(pattern(text), "-n")


def test_a_word_has_256_characters_at_most():
    assert slots.fits(pattern("é*"), "é" * 256)
    assert not slots.fits(pattern("é*"), "é" * 257)


def test_no_pattern_takes_long_over_a_word():
    """Backtracking would take longer than the age of the universe."""
    began = time.process_time()
    assert not slots.fits(pattern("(a|a)*(a|a)*(a?){50}b"), "a" * 256)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "text", ["(", "(?=a)", "(a)\\1", "a{1001}", "((a{0,100}){0,100}){0,100}", "x" * 501, "(\\pL{1,30}){1,30}"]
)
def test_a_pattern_that_re2_does_not_take_is_told_of(text: str):
    assert "pattern" in slots.problem(pattern(text)).lower()


@pytest.mark.parametrize("text", ["[a-zA-Z0-9.-]{1,253}", "\\p{L}{1,64}", "/(?:[\\w.-]+/)*[\\w.-]+", "x" * 500])
def test_patterns_as_people_write_them_are_taken(text: str):
    assert slots.problem(pattern(text)) == ""


@pytest.mark.parametrize(
    ("slot", "brief", "wants"),
    [
        (Slot("a", choices=("-s", "-n"), many=2, optional=True), "[-s|-n ...]", "-s|-n, up to 2 of them"),
        (Slot("pid", low=1, high=9), "PID", "pid from 1 to 9"),
        (Slot("pid", low=1), "PID", "pid from 1 to 1000000000000000000"),
        (Slot("host", pattern="[a-z]+", optional=True), "[HOST]", "host like [a-z]+"),
    ],
)
def test_people_are_told_what_it_takes(slot: Slot, brief: str, wants: str):
    assert (slots.brief(slot), slots.wants(slot)) == (brief, wants)


@pytest.mark.parametrize("name", ["", "1a", "a b", "a" * 33, "é"])
def test_a_slot_has_a_plain_name(name: str):
    assert slots.problem(Slot(name, choices=("a",))).startswith("A slot's name")
