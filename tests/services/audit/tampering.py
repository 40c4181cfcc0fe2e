"""Entries as somebody leaves them who can write to an SQLite database: whatever can stand in a column stands in one of them."""

import json
from typing import Any

from django.db import connection

from services import audit
from services.audit import chain
from services.models import AuditEntry

# No value of them is what stood there
FOREIGN = (
    "'<b>x'",
    "x'ff'",
    "CAST(x'ff41' AS TEXT)",
    "-7",
    "1.5",
    "9e999",
    "9223372036854775807",
    "'[[1]]'",
    "replace(hex(zeroblob(1500000)), '00', 'x')",
    "char(27) || '[2J'",
)
COLUMNS = tuple(column for column in (*chain.COLUMNS, "hash") if column != "number")
# Of whoever knows how an entry is hashed
DETAILS: tuple[Any, ...] = (
    "{",
    "7",
    "[]",
    '{"new": 7}',
    '{"old": {}, "new": []}',
    '{"configuration": "x"}',
    '{"token": 7}',
    '{"token": {"id": "x", "name": []}}',
    "[" * 100_000,
    '{"new": {"a": 1' + "0" * 5000 + "}}",
)
# Odd, but JSON with the parts that it should have
ODD: tuple[str, ...] = (
    '{"new": {"a": "\\ud800", "b": 1' + "0" * 300 + ', "c": NaN, "d": 1e999, "\\udfff": 1}}',
    json.dumps({"new": {"a": [[[1]]]}, "configuration": {"a": {"b": None}}, "more": 7}),
    '{"new": {"a":' + '{"a":' * 200 + "7" + "}" * 201 + "}",
)


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def record(number: int) -> AuditEntry:
    return audit.record(
        "server.change", "ada", server="echo", what=f"the {number}.", old={"a": 1}, new={"a": 2}, data=b"hello"
    )


def tamper() -> int:
    """The number of entries that somebody edited; among them stand others, whose texts say `untouched`."""
    cases = [(column, value) for column in COLUMNS for value in FOREIGN] if connection.vendor == "sqlite" else []
    numbers = [record(number).number for number in range(len(cases) + len(DETAILS))]
    audit.record("send", "ada", what="untouched")
    for (column, value), number in zip(cases, numbers, strict=False):
        sql(f"UPDATE services_auditentry SET {column} = {value} WHERE number = {number}")  # noqa: S608 - the test's own words
    for details, number in zip(DETAILS, numbers[len(cases) :], strict=True):
        rehash(number, details)
    return len(numbers)


def rehash(number: int, details: str) -> None:
    entry = AuditEntry.objects.get(number=number)
    entry.details = details
    AuditEntry.objects.filter(number=number).update(details=details, hash=chain.digest(entry))


def odd() -> int:
    """The number of entries that are odd, and say nothing that they could not."""
    for details in ODD:
        rehash(record(0).number, details)
    return len(ODD)


def number_away(number: int, value: str) -> None:
    sql(f"UPDATE services_auditentry SET number = {value} WHERE number = {number}")  # noqa: S608 - the test's own words
