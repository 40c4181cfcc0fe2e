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
_BODY = f"""
    BEGIN
        IF TG_OP = 'INSERT' THEN IF {_IS_NEXT} THEN RETURN NEW; END IF; END IF;
        IF TG_OP = 'DELETE' THEN IF {_IS_CUT} THEN RETURN OLD; END IF; END IF;
        RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
    END """
POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION services_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $${_BODY}$$",
    *(
        f"CREATE TRIGGER {name} BEFORE {what} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION services_audit_guard()"
        for name, what in zip(NAMES, ("INSERT", "UPDATE", "DELETE"), strict=True)
    ),
    f"CREATE TRIGGER services_audit_truncate BEFORE TRUNCATE ON {TABLE} EXECUTE FUNCTION services_audit_guard()",
)

# pg_trigger.tgtype: for each row 1, before 2, insert 4, delete 8, update 16, truncate 32
_KINDS = dict(zip((*NAMES, "services_audit_truncate"), (7, 19, 11, 34), strict=True))
_TRIGGERS = f"""SELECT tgname, tgtype,
    tgenabled = 'O' AND tgqual IS NULL AND tgattr = '' AND tgfoid = to_regproc('services_audit_guard')::oid
    FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal
    UNION ALL SELECT rulename, 0, false FROM pg_rewrite WHERE ev_class = '{TABLE}'::regclass"""  # noqa: S608 - only fixed text
_BODIES = """SELECT prosrc, proconfig IS NULL AND NOT prosecdef AND lanname = 'plpgsql'
    FROM pg_proc JOIN pg_language ON pg_language.oid = prolang WHERE pg_proc.oid = to_regproc('services_audit_guard')::oid"""
_ACTING_SQLITE = f"SELECT 'TRIGGER', name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = '{TABLE}'"  # noqa: S608
_ACTING_POSTGRESQL = f"""SELECT 'TRIGGER', tgname FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal
    UNION ALL SELECT 'RULE', rulename FROM pg_rewrite WHERE ev_class = '{TABLE}'::regclass"""  # noqa: S608 - only fixed text


def put_up(database: BaseDatabaseWrapper | None = None) -> None:
    """Make the triggers."""
    database = database or connection
    with database.cursor() as cursor:
        for statement in POSTGRESQL if database.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def take_down(database: BaseDatabaseWrapper | None = None) -> None:
    """Take away whatever acts on entries, ours or not: for tests, whose tables are emptied behind them, and to make it anew."""
    database = database or connection
    where = f" ON {TABLE}" if database.vendor == "postgresql" else ""
    with database.cursor() as cursor:
        cursor.execute(_ACTING_POSTGRESQL if where else _ACTING_SQLITE)
        for what, name in cursor.fetchall():
            cursor.execute(f"DROP {what} {database.ops.quote_name(name)}{where}")


def stands() -> bool:
    """Whether all of them are there, say and do what they should, and none beside them could take entries away unseen."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = %s", [TABLE])
            return {row[0] for row in cursor.fetchall()} == set(SQLITE)
        cursor.execute(_TRIGGERS)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_BODIES)
        bodies = cursor.fetchall()
    return found == {name: (kind, True) for name, kind in _KINDS.items()} and bodies == [(_BODY, True)]
