"""Numbers as people and programs write them in texts: plain digits. It knows no field, and of sentences only a command line's.

    numbers.whole("42")         # 42
    numbers.whole("4_2")        # None, as for " 42", "+42", other scripts' digits and what no database holds

Python's own `int` takes all of these for 42, and what is a name or a mistake becomes a number that nobody has written.
"""

import re
from argparse import ArgumentTypeError

MOST = 2**63 - 1  # in a database
_WHOLE = re.compile(r"[0-9]{1,19}")
_SIGNED = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?(?=[.0-9])[0-9]{0,18}(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?")


def whole(text: str) -> int | None:
    """A whole number, 0 or more; None for what is none."""
    return signed(text) if _WHOLE.fullmatch(text) else None


def signed(text: str) -> int | None:
    """The same, with a minus before it or without: to tell a number that is too small from what is none."""
    number = int(text) if _SIGNED.fullmatch(text) else None
    return number if number is not None and -MOST <= number <= MOST else None


def decimal(text: str) -> float | None:
    """A number with a point or an exponent, as browsers and programs write it."""
    return float(text) if _DECIMAL.fullmatch(text) else None


def argument(text: str) -> int:
    """A whole number of a command line, for argparse; whether it is too small is said where its field is known."""
    number = signed(text)
    if number is None:
        raise ArgumentTypeError(f"{text[:64]!r} is no whole number: write it in digits")
    return number


def decimal_argument(text: str) -> float:
    """The same, with a point or without."""
    number = decimal(text)
    if number is None:
        raise ArgumentTypeError(f"{text[:64]!r} is no number: write it in digits, such as 2.5")
    return number
