"""Is the audit what it was? Read from the first entry to the last, and compared with the heads that were told. It changes nothing.

verify(heads.of(data_dir))      # raises AuditBroken, which names the first entry that is wrong

Whoever tampers with a database is bound by no type of a column: nothing is taken for what it should be before it was looked at.
"""

import json
from collections.abc import Iterable

import msgspec

from services.audit import chain, guard, tampered
from services.audit.heads import Head
from services.errors import AuditBroken
from services.models import AuditEntry


class Verdict(msgspec.Struct, frozen=True):
    """What was found to be sound."""

    entries: int
    first: int
    last: int
    hash: str
    heads: int  # told ones that were compared
    guarded: bool  # the database's own triggers are there


def verify(heads: Iterable[Head]) -> Verdict:
    """Go through all of it. Raises AuditBroken."""
    wanted: dict[int, set[str]] = {}
    for head in heads:
        wanted.setdefault(head.number, set()).add(head.hash)
    with tampered.any_text():
        return _verify(wanted)


def _verify(wanted: dict[int, set[str]]) -> Verdict:
    start, digest = _start()
    number, compared = start, 0
    for entry in tampered.fetched(AuditEntry.objects.order_by("number")):
        _require_next(entry, number, digest)
        number, digest = entry.number, entry.hash
        if number in wanted:
            _require_told(number, digest, wanted[number])
            compared += 1
    if gone := [head for head in wanted if head > number]:
        raise _broken(
            number + 1, f"The end is missing: the last entry is {number}, and {max(gone)} was told to the log"
        )
    return Verdict(number - start, start + 1 if number > start else 0, number, digest, compared, guard.stands())


def _start() -> tuple[int, str]:
    """What the first entry follows: nothing, or the last one of an anchored cut."""
    number = AuditEntry.objects.order_by("number").values_list("number", flat=True).first()
    if number is None or number == 1 or not isinstance(number, int):
        return 0, chain.FIRST
    if number < 1:
        raise _broken(number, f"Entry {number} was inserted: the first of all has the number 1")
    cut = next(
        tampered.fetched(AuditEntry.objects.filter(cut=number - 1, number__gte=number).order_by("number")[:1]), None
    )
    if cut is None:
        raise _broken(1, f"Entry 1 was deleted: the first that is there is {number}, and no cut tells of those before")
    _require_own(cut, cut.number)
    return cut.cut, _end_of(cut)


def _end_of(cut: AuditEntry) -> str:
    """The hash of the last entry that went."""
    try:
        found = json.loads(cut.details)["new"]["hash"]
    except (ValueError, LookupError, TypeError, RecursionError):
        found = None
    if cut.verb != "audit.cut" or not isinstance(found, str):
        raise _broken(cut.number, f"Entry {cut.number} was forged: it cuts those before it off, and is no cut's entry")
    return found


def _require_next(entry: AuditEntry, number: int, digest: str) -> None:
    if isinstance(entry.number, int) and entry.number != number + 1:
        raise _broken(number + 1, f"Entry {number + 1} was deleted: after {number} comes {entry.number}")
    _require_own(entry, number + 1)
    if entry.previous != digest:
        raise _broken(max(number, 1), f"Entry {max(number, 1)} was replaced: the next one was written after another")


def _require_own(entry: AuditEntry, number: int) -> None:
    """What it says is of the right types, and its hash is that of what it says."""
    if fault := tampered.fault(entry):
        raise _broken(number, f"Entry {number} was edited: {fault}")


def _require_told(number: int, digest: str, wanted: set[str]) -> None:
    if wanted != {digest}:
        raise _broken(
            number, f"Entry {number} is not the one that was told to the log: it or one before it was rewritten"
        )


def _broken(number: int, what: str) -> AuditBroken:
    return AuditBroken(
        f"{what}. What stands before it is sound: find out who could write to the control database.", entry=number
    )
