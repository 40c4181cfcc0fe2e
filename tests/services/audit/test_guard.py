"""The database itself refuses whatever is no appending, whoever asks it."""

from collections.abc import Iterator

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


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_one_of_the_same_name_that_guards_nothing_is_none(three: None):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {guard.NAMES[1]}")
        cursor.execute(f"CREATE TRIGGER {guard.NAMES[1]} BEFORE UPDATE ON {guard.TABLE} BEGIN SELECT 1; END")
    assert not guard.stands()
