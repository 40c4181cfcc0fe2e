"""Triggers that let the audit only grow: no entry is changed, none goes but by an anchored cut, none comes but at the end.

Whoever owns the database can take them away; that is what the hashes and the logged heads are for. The migration makes them.
"""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "services_auditentry"
_REFUSAL = "the audit is append-only"
_IS_NEXT = (
    f"NEW.number = coalesce((SELECT max(number) FROM {TABLE}), 0) + 1 "  # noqa: S608 - only fixed text
    f"AND NEW.previous = coalesce((SELECT hash FROM {TABLE} ORDER BY number DESC LIMIT 1), '')"
)
_IS_CUT = f"EXISTS (SELECT 1 FROM {TABLE} WHERE cut >= OLD.number AND number > OLD.number)"  # noqa: S608 - only fixed text

NAMES = ("services_audit_insert", "services_audit_update", "services_audit_delete")
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
SQLITE = (
    f"CREATE TRIGGER {NAMES[0]} BEFORE INSERT ON {TABLE} WHEN NOT ({_IS_NEXT}) {_REFUSE}",
    f"CREATE TRIGGER {NAMES[1]} BEFORE UPDATE ON {TABLE} {_REFUSE}",
    f"CREATE TRIGGER {NAMES[2]} BEFORE DELETE ON {TABLE} WHEN NOT {_IS_CUT} {_REFUSE}",
)
POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION services_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN IF {_IS_NEXT} THEN RETURN NEW; END IF; END IF;
        IF TG_OP = 'DELETE' THEN IF {_IS_CUT} THEN RETURN OLD; END IF; END IF;
        RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    *(
        f"CREATE TRIGGER {name} BEFORE {what} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION services_audit_guard()"
        for name, what in zip(NAMES, ("INSERT", "UPDATE", "DELETE"), strict=True)
    ),
    f"CREATE TRIGGER services_audit_truncate BEFORE TRUNCATE ON {TABLE} EXECUTE FUNCTION services_audit_guard()",
)


def put_up(database: BaseDatabaseWrapper | None = None) -> None:
    """Make the triggers."""
    database = database or connection
    with database.cursor() as cursor:
        for statement in POSTGRESQL if database.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def take_down(database: BaseDatabaseWrapper | None = None) -> None:
    """For tests, whose tables are emptied behind them."""
    database = database or connection
    with database.cursor() as cursor:
        for name in (*NAMES, "services_audit_truncate"):
            where = f" ON {TABLE}" if database.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{where}")


def stands() -> bool:
    """Whether all of them are there, and on SQLite say what they should."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled = 'O'", [TABLE])
            wanted: tuple[str, ...] = NAMES
        else:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
            wanted = SQLITE
        return {row[0] for row in cursor.fetchall()} >= set(wanted)
