"""One at a time on all machines that share a PostgreSQL database, until a transaction ends. SQLite's wait for each other anyway.

with transaction.atomic():
    advisory.take(connection, LOCK, within=5.0)     # raises OperationalError when somebody else has it for longer
"""

from django.db.backends.base.base import BaseDatabaseWrapper


def take(database: BaseDatabaseWrapper, lock: int, within: float) -> None:
    """Wait for the others; one that hangs while it has the lock keeps nobody out for ever."""
    if database.vendor != "postgresql":
        return
    with database.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{within * 1000:.0f}ms'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
