"""A number is written in plain digits, wherever somebody writes one."""

from argparse import ArgumentTypeError

import pytest

from services import numbers

ODD = ["", " ", "1_0", " 1", "1 ", "+1", "0x1", "1.0", "1e3", "٣", "１", "²", "1\n", "inf", "nan", "9" * 20]


@pytest.mark.parametrize("text", [*ODD, "-1", str(2**63)])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert numbers.whole(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("1234", 1234), (str(2**63 - 1), 2**63 - 1)])
def test_digits_are_one(text: str, number: int) -> None:
    assert numbers.whole(text) == numbers.signed(text) == numbers.argument(text) == number


def test_one_that_is_too_small_is_told_apart_from_none() -> None:
    assert (numbers.signed("-1"), numbers.signed("--1"), numbers.signed("-")) == (-1, None, None)


@pytest.mark.parametrize(("text", "number"), [("2", 2.0), ("2.5", 2.5), (".5", 0.5), ("-1", -1.0), ("1e-05", 1e-5)])
def test_a_point_or_an_exponent_may_stand_in_a_decimal(text: str, number: float) -> None:
    assert numbers.decimal(text) == numbers.decimal_argument(text) == number


@pytest.mark.parametrize("text", ["", ".", "1_0.5", " 1", "+1", "٣.٥", "inf", "nan", "1e999", "1.5.2", "0x1p3"])
def test_what_python_takes_for_a_decimal_besides_is_none(text: str) -> None:
    assert numbers.decimal(text) is None
    with pytest.raises(ArgumentTypeError, match="no number"):
        numbers.decimal_argument(text)


def test_a_command_line_says_what_is_wrong() -> None:
    with pytest.raises(ArgumentTypeError, match="'1_0' is no whole number"):
        numbers.argument("1_0")
