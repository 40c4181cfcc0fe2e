"""Is the audit what it was? Read from the first entry to the last, and compared with the heads that were told. It changes nothing.

verify(heads.of(data_dir))      # raises AuditBroken, which names the first entry that is wrong

Whoever tampers with a database is bound by no type of a column: nothing is taken for what it should be before it was looked at.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
from django.db import connection, models

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
    wanted: dict[int, set[str]] = {}
    for head in heads:
        wanted.setdefault(head.number, set()).add(head.hash)
    with _any_text():
        return _verify(wanted)


def _verify(wanted: dict[int, set[str]]) -> Verdict:
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


@contextmanager
def _any_text() -> Iterator[None]:
    """Text that is no UTF-8 is read all the same: its hash will not be the entry's."""
    connection.ensure_connection()
    if connection.vendor != "sqlite":
        yield
        return
    database, before = connection.connection, connection.connection.text_factory
    database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        database.text_factory = before


def _start() -> tuple[int, str]:
    """What the first entry follows: nothing, or the last one of an anchored cut."""
    number = AuditEntry.objects.order_by("number").values_list("number", flat=True).first()
    if number is None or number == 1 or not isinstance(number, int):
        return 0, chain.FIRST
    if number < 1:
        raise _broken(number, f"Entry {number} was inserted: the first of all has the number 1")
    cut = AuditEntry.objects.filter(cut=number - 1, number__gte=number).order_by("number").first()
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
    for field in AuditEntry._meta.concrete_fields:
        if not _fits(field, getattr(entry, field.attname)):
            raise _broken(number, f"Entry {number} was edited: its column {field.name} holds what nobody writes there")
    if chain.digest(entry) != entry.hash:
        raise _broken(number, f"Entry {number} was edited: its hash is that of something else")


def _fits(field: "models.Field[object, object]", value: object) -> bool:
    if value is None:
        return bool(field.null)
    if isinstance(field, models.BinaryField):
        return isinstance(value, bytes | memoryview)
    return isinstance(value, int if isinstance(field, models.BigIntegerField) else str)


def _require_told(number: int, digest: str, wanted: set[str]) -> None:
    if wanted != {digest}:
        raise _broken(
            number, f"Entry {number} is not the one that was told to the log: it or one before it was rewritten"
        )


def _broken(number: int, what: str) -> AuditBroken:
    return AuditBroken(
        f"{what}. What stands before it is sound: find out who could write to the control database.", entry=number
    )
