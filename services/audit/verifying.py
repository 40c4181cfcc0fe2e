"""Is the audit what it was? Read from the first entry to the last, and compared with the heads that were told. It changes nothing.

verify(heads.of(data_dir))      # raises AuditBroken, which names the first entry that is wrong
"""

import json
from collections.abc import Iterable

import msgspec

from services.audit import chain, guard
from services.audit.heads import Head
from services.errors import AuditBroken
from services.models import AuditEntry

AT_ONCE = 500


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
    told = {(head.number, head.hash) for head in heads}
    wanted = {number: {hash for other, hash in told if other == number} for number, _ in told}
    start, digest = _start()
    number, compared = start, 0
    for entry in AuditEntry.objects.order_by("number").iterator(AT_ONCE):
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
    if number is None or number == 1:
        return 0, chain.FIRST
    cut = AuditEntry.objects.filter(cut=number - 1, cut__gt=0, number__gte=number).first()
    if cut is None:
        raise _broken(1, f"The entries before {number} were deleted")
    return cut.cut, str(json.loads(cut.details)["new"]["hash"])


def _require_next(entry: AuditEntry, number: int, digest: str) -> None:
    if entry.number != number + 1:
        raise _broken(number + 1, f"Entry {number + 1} was deleted: after {number} comes {entry.number}")
    if chain.digest(entry) != entry.hash:
        raise _broken(entry.number, f"Entry {entry.number} was edited: its hash is that of something else")
    if entry.previous != digest:
        raise _broken(max(number, 1), f"Entry {max(number, 1)} was replaced: the next one was written after another")


def _require_told(number: int, digest: str, wanted: set[str]) -> None:
    if wanted != {digest}:
        raise _broken(
            number, f"Entry {number} is not the one that was told to the log: it or one before it was rewritten"
        )


def _broken(number: int, what: str) -> AuditBroken:
    return AuditBroken(
        f"{what}. What stands before it is sound: find out who could write to the control database.", entry=number
    )
