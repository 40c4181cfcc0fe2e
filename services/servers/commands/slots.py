"""Slots of an allowed command: what fits one, what it takes in words, and what is wrong with one that makes no sense."""

import functools
import re
from typing import Any

from services.servers.commands.options import Slot

MAX_WORD = 256  # characters a caller may write in a slot
MAX_WORDS = 64
MAX_CHOICES, MAX_PATTERN = 100, 500
PATTERN_BYTES = 4 * 1024 * 1024  # that a pattern may take; one that needs more is refused


def fits(slot: Slot, word: str) -> bool:
    """Whether the slot takes this word."""
    if len(word) > MAX_WORD or not is_text(word):
        return False
    if slot.choices:
        return word in slot.choices
    if slot.pattern:
        return not word.startswith("-") and _compiled(slot.pattern).fullmatch(word) is not None
    return re.fullmatch(r"-?[0-9]{1,18}", word, re.ASCII) is not None and _low(slot) <= int(word) <= _high(slot)


def is_text(word: str) -> bool:
    """Whether it can be a program's word: no NUL, and no half of a surrogate pair."""
    try:
        return b"\0" not in word.encode()
    except UnicodeEncodeError:
        return False


def _low(slot: Slot) -> int:
    return 0 if slot.low is None else slot.low


def _high(slot: Slot) -> int:
    return 10**18 if slot.high is None else slot.high


def brief(slot: Slot) -> str:
    """What it takes, where there is little room: `[-s|-n|-r ...]`, `PID`."""
    told = "|".join(slot.choices) or slot.name.upper()
    told += " ..." if slot.many > 1 else ""
    return f"[{told}]" if slot.optional else told


def wants(slot: Slot) -> str:
    """What it takes, exactly: `pid from 1 to 99`."""
    if slot.choices:
        told = "|".join(slot.choices)
    elif slot.pattern:
        told = f"{slot.name} like {slot.pattern}"
    else:
        told = f"{slot.name} from {_low(slot)} to {_high(slot)}"
    return told if slot.many == 1 else f"{told}, up to {slot.many} of them"


def problem(slot: Slot) -> str:
    """What is wrong with it, as a sentence; empty when nothing is."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", slot.name):
        return "A slot's name is 1 to 32 letters, digits, - or _, with a letter in front."
    ranged = slot.low is not None or slot.high is not None
    if bool(slot.choices) + bool(slot.pattern) + ranged != 1:
        return "A slot has choices, or a pattern, or low and high: one of the three."
    if not 1 <= slot.many <= MAX_WORDS:
        return f"many is from 1 to {MAX_WORDS}."
    if ranged and not -(10**18) < _low(slot) <= _high(slot) <= 10**18:
        return "low must not be above high, and both have at most 18 digits."
    if len(slot.choices) > MAX_CHOICES or any(len(choice) > MAX_WORD or not is_text(choice) for choice in slot.choices):
        return f"A slot has at most {MAX_CHOICES} choices, each of at most {MAX_WORD} characters of text without NUL."
    return _pattern(slot.pattern) if slot.pattern else ""


def _pattern(pattern: str) -> str:
    if len(pattern) > MAX_PATTERN:
        return f"A pattern has at most {MAX_PATTERN} characters."
    try:
        _compiled(pattern)
    except ValueError as error:
        return f"The pattern makes no sense ({error}): write it as RE2 has it, github.com/google/re2/wiki/Syntax."
    return ""


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    """Its time is linear in the text, whatever the pattern. Raises ValueError."""
    import re2  # type: ignore[import-untyped]  # only here: whoever has no patterns need not load it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0] if error.args else ""
        raise ValueError(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)) from None
