"""Into which tables a deed writes, in order: an entry of the audit has to be the last of a transaction."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

AUDIT = "services_auditentry"


@contextmanager
def tables_written() -> Iterator[list[str]]:
    """The names of the tables, filled while the block runs."""
    tables: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        if found := re.match(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"', sql):
            tables.append(found[1])
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        yield tables


def first_entry_is_behind(tables: list[str], *written: str) -> bool:
    """Whether all of these were written, and the audit after them."""
    first = tables.index(AUDIT)
    return set(written) <= set(tables) and not set(written) & set(tables[first:])
