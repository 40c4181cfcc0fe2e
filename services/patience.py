"""How long one question of a person may keep a database at work: beyond that it is ended, and told as SearchTooLong.

with within(MESSAGES, 5.0) as check:
    for row in rows: check(); ...

It is for reading: a write that is ended half-way would be lost.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connections, transaction

from services.errors import SearchTooLong

SECONDS = 5.0
STEPS = 20_000  # of SQLite's machine between two looks at the clock: a millisecond or so
STOPPED = "interrupted"  # SQLite's word for it
CANCELED = "57014"  # PostgreSQL's code: its words are in the language of its server


@contextmanager
def within(alias: str, seconds: float = SECONDS) -> Iterator[Callable[[], None]]:
    """What is asked inside takes so long at the most; the yielded function asks whether time is over. Raises SearchTooLong."""
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise _too_long(seconds)

    how = _sqlite if connections[alias].vendor == "sqlite" else _postgresql
    try:
        with how(alias, seconds, end):
            yield check
    except OperationalError as error:
        if _is_stopped(error):
            raise _too_long(seconds) from error
        raise


def _is_stopped(error: OperationalError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)
    return state == CANCELED if state else STOPPED in str(error)


@contextmanager
def _sqlite(alias: str, seconds: float, end: float) -> Iterator[None]:
    connections[alias].ensure_connection()
    raw = connections[alias].connection
    raw.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


@contextmanager
def _postgresql(alias: str, seconds: float, end: float) -> Iterator[None]:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}")
        yield


def _too_long(seconds: float) -> SearchTooLong:
    return SearchTooLong(
        f"The search was ended after {seconds:g} s: narrow it down, by a connection, a time or numbers (after, before).",
        field="contains",
    )
