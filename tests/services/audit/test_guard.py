"""The database itself refuses whatever is no appending, whoever asks it."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import Error, connection, transaction

from services import audit
from services.audit import guard
from services.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def three() -> Iterator[None]:
    """Three entries, and the guard, which the tests' own databases go without."""
    guard.put_up()
    for number in range(3):
        audit.record("server.start", "ada", server=f"lab{number}")
    yield
    guard.take_down()


COPY = "SELECT {number}, at, verb, who, way, source, server, server_id, what, details, data, size, sha256, code, cut, {previous}, hash"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE services_auditentry SET who = 'eve' WHERE number = 2",
        "UPDATE services_auditentry SET number = 9 WHERE number = 3",
        "DELETE FROM services_auditentry WHERE number = 1",
        "DELETE FROM services_auditentry WHERE number = 3",
        "DELETE FROM services_auditentry",
        f"INSERT INTO services_auditentry {COPY.format(number=5, previous='hash')} FROM services_auditentry WHERE number = 3",
        f"INSERT INTO services_auditentry {COPY.format(number=4, previous='previous')} FROM services_auditentry WHERE number = 3",
    ],
)
def test_it_can_only_grow_at_its_end(three: None, statement: str):
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 3


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_replacement_is_no_way_around_it(three: None):
    again = COPY.format(number=2, previous="previous")
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT OR REPLACE INTO services_auditentry {again} FROM services_auditentry WHERE number = 2")


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_it_cannot_be_emptied(three: None):
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE services_auditentry")


def test_what_a_cut_names_may_go_and_no_more(three: None):
    audit.record("audit.cut", "ada", cut=2)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM services_auditentry WHERE number <= 2")
    with pytest.raises(Error, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM services_auditentry WHERE number = 3")
    assert list(AuditEntry.objects.order_by("number").values_list("number", flat=True)) == [3, 4]


def test_it_is_known_whether_it_stands(three: None):
    assert guard.stands()
    guard.take_down()
    assert not guard.stands()
    guard.put_up()


NOTHING = "BEGIN SELECT 1; END"
ON_SQLITE = {
    "one is gone": ["DROP TRIGGER services_audit_update"],
    "one does nothing": [
        "DROP TRIGGER services_audit_update",
        f"CREATE TRIGGER services_audit_update BEFORE UPDATE ON services_auditentry {NOTHING}",
    ],
    "one looks at one column": [
        "DROP TRIGGER services_audit_update",
        guard.SQLITE[1].replace("BEFORE UPDATE", "BEFORE UPDATE OF who"),
    ],
    "another keeps entries out unseen": [
        "CREATE TRIGGER quiet BEFORE INSERT ON services_auditentry WHEN NEW.who = 'eve' BEGIN SELECT RAISE(IGNORE); END"
    ],
    "another, of a table in capitals": [f"CREATE TRIGGER quiet AFTER INSERT ON SERVICES_AUDITENTRY {NOTHING}"],
}
GUARDED = "FOR EACH ROW EXECUTE FUNCTION services_audit_guard()"
ON_POSTGRESQL = {
    "one is gone": ["DROP TRIGGER services_audit_truncate ON services_auditentry"],
    "its function does nothing": [
        "CREATE OR REPLACE FUNCTION services_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END $$"
    ],
    "its function runs as somebody else": ["ALTER FUNCTION services_audit_guard() SECURITY DEFINER"],
    "its function looks elsewhere": ["ALTER FUNCTION services_audit_guard() SET search_path = pg_temp"],
    "one is switched off": ["ALTER TABLE services_auditentry DISABLE TRIGGER services_audit_update"],
    "one looks at one column": [
        "DROP TRIGGER services_audit_update ON services_auditentry",
        f"CREATE TRIGGER services_audit_update BEFORE UPDATE OF who ON services_auditentry {GUARDED}",
    ],
    "one looks at some rows": [
        "DROP TRIGGER services_audit_update ON services_auditentry",
        f"CREATE TRIGGER services_audit_update BEFORE UPDATE ON services_auditentry {GUARDED.replace('EXEC', 'WHEN (false) EXEC')}",
    ],
    "one calls another function": [
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END $$",
        "DROP TRIGGER services_audit_update ON services_auditentry",
        "CREATE TRIGGER services_audit_update BEFORE UPDATE ON services_auditentry FOR EACH ROW EXECUTE FUNCTION quiet()",
    ],
    "another keeps entries out unseen": [
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER quiet BEFORE INSERT ON services_auditentry FOR EACH ROW EXECUTE FUNCTION quiet()",
    ],
    "a rule keeps entries out unseen": ["CREATE RULE quiet AS ON INSERT TO services_auditentry DO INSTEAD NOTHING"],
}


CASES = ON_SQLITE if connection.vendor == "sqlite" else ON_POSTGRESQL


@pytest.mark.parametrize("statements", CASES.values(), ids=CASES)
def test_whoever_took_its_force_away_is_found_out_and_it_can_be_made_anew(three: None, statements: list[str]):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    assert not guard.stands()
    guard.take_down()
    guard.put_up()
    assert guard.stands()


def test_the_migration_puts_up_the_same():
    migration = import_module("services.migrations.0004_audit")
    assert (migration.SQLITE, migration.POSTGRESQL) == (guard.SQLITE, guard.POSTGRESQL)
