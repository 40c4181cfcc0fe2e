"""Entries as somebody may have left them who can write to the database: read whatever stands there, told what is wrong with each.

Whoever tampers with SQLite is bound by no type and no length of a column. Nothing is taken for what it should be before it was
looked at, and no value is fetched that is longer than any that is written.

    with any_text():
        found = list(fetched(AuditEntry.objects.order_by("-number")[:100]))
    fault(found[0])       # "" or such as "its column who holds what nobody writes there"
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from django.db import connection, models
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from services.audit import chain
from services.models import AuditEntry

MOST = 1024 * 1024  # characters or bytes in one column; nothing that is written is nearly as long
LARGEST = 2**63 - 1
MAX_DEPTH = 30
AT_ONCE = 500
PARTS = ("token", "old", "new", "configuration")  # of the details

Column: TypeAlias = "models.Field[Any, Any]"
_COLUMNS: tuple[Column, ...] = AuditEntry._meta.concrete_fields


@contextmanager
def any_text() -> Iterator[None]:
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


def fetched(rows: QuerySet[AuditEntry]) -> Iterator[AuditEntry]:
    """The entries, with None for each text that is too long, and "" for what is larger than any number."""
    bounded = {f"bounded_{column.attname}": _bounded(column) for column in _COLUMNS}
    names = [column.attname for column in _COLUMNS]
    for row in rows.annotate(**bounded).values_list(*bounded).iterator(AT_ONCE):
        yield AuditEntry(**dict(zip(names, row, strict=True)))


def _bounded(column: Column) -> Case | F:
    """A plain field converts nothing: 1.5 must not come as 1."""
    if not isinstance(column, models.BigIntegerField):
        fits = When(Q(LessThanOrEqual(Length(column.attname), MOST)), then=F(column.attname))
        return Case(fits, default=None, output_field=models.Field())
    if connection.vendor != "sqlite":
        return F(column.attname)
    # SQLite sorts texts and bytes behind all numbers
    fits = When(Q(**{f"{column.attname}__gt": LARGEST}), then=Value(""))
    return Case(fits, default=F(column.attname), output_field=models.Field())


def fault(entry: AuditEntry) -> str:
    """Why it is not what was written, as far as it alone tells; empty where nothing is wrong."""
    for column in _COLUMNS:
        if not _fits(column, getattr(entry, column.attname)):
            return f"its column {column.name} holds what nobody writes there"
    if chain.digest(entry) != entry.hash:
        return "its hash is that of something else"
    return "" if _parsed(entry) is not None else "its column details holds what nobody writes there"


def _fits(column: Column, value: object) -> bool:
    if value is None:
        return bool(column.null)
    if isinstance(column, models.BinaryField):
        return isinstance(value, bytes | memoryview) and len(value) <= MOST
    if isinstance(column, models.BigIntegerField):
        return isinstance(value, int)
    return isinstance(value, str) and len(value) <= MOST


def number(value: object) -> int:
    """As a number, 0 where it is none."""
    return value if isinstance(value, int) else 0


def text(value: object) -> str:
    """As text that every answer can hold."""
    if isinstance(value, str) and value.isascii():
        return value
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("utf-8", "surrogateescape")
    return str("" if value is None else value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def data(value: object) -> bytes:
    """As bytes."""
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return text(value).encode()


def details(entry: AuditEntry) -> dict[str, Any]:
    """What it says besides; nothing where that is none of what is written there."""
    return {text(part): _plain(value, 1) for part, value in (_parsed(entry) or {}).items()}


def _parsed(entry: AuditEntry) -> dict[str, Any] | None:
    try:
        found = json.loads(entry.details) if entry.details else {}
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(part, {}), dict) for part in PARTS):
        return None
    token = found.get("token", {"id": 1, "name": ""})
    if not isinstance(token.get("id"), int) or not isinstance(token.get("name"), str):
        return None
    return found


def _plain(value: Any, depth: int) -> Any:
    """JSON that every answer can hold: of texts that are none, numbers beyond 64 bits and depths without an end."""
    if depth > MAX_DEPTH:
        return "..."
    if isinstance(value, dict):
        return {text(key): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return str(value)
    return text(value) if isinstance(value, str) else value
