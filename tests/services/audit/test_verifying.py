"""Whoever edits, deletes, inserts or reorders entries, or cuts off the end, is found out: the first wrong one is named."""

import time
from collections.abc import Iterator

import pytest
from django.db import connection

from services import audit
from services.audit import chain, guard
from services.audit.heads import Head
from services.audit.verifying import verify
from services.errors import AuditBroken
from services.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def ten() -> list[AuditEntry]:
    return [audit.record("send", "ada", server=f"lab{number}", data=b"%d" % number) for number in range(1, 11)]


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def first_wrong(*heads: AuditEntry) -> int:
    with pytest.raises(AuditBroken) as raised:
        verify(Head(head.number, head.hash) for head in heads)
    return raised.value.entry


def test_what_nobody_touched_is_sound(ten: list[AuditEntry]):
    found = verify([Head(3, ten[2].hash), Head(10, ten[9].hash)])
    assert (found.entries, found.first, found.last, found.hash, found.heads) == (10, 1, 10, ten[9].hash, 2)


def test_the_heads_of_many_years_are_compared_at_once(ten: list[AuditEntry]):
    """One is told an hour; going through all of them for each of them would take minutes."""
    heads = [Head(entry.number, entry.hash) for entry in ten * 5_000]
    began = time.process_time()
    assert verify(heads).heads == 10
    with pytest.raises(AuditBroken):
        verify([*heads, *(Head(number, entry.hash) for number in range(11, 20_000) for entry in ten[:1])])
    assert time.process_time() - began < 2


def test_an_empty_audit_is_sound_until_a_head_was_told():
    assert verify([]).entries == 0
    with pytest.raises(AuditBroken, match="end is missing"):
        verify([Head(1, "a" * 64)])


@pytest.mark.parametrize("column", [*chain.COLUMNS[1:], "hash"])
def test_an_edited_entry_is_named_whatever_was_edited(ten: list[AuditEntry], column: str):
    before = getattr(ten[4], column)
    value = (
        before + 1
        if isinstance(before, int)
        else 7
        if before is None
        else b"x"
        if column == "data"
        else f"x{before}"[:8]
    )
    AuditEntry.objects.filter(number=5).update(**{column: value})
    assert first_wrong() == 5


@pytest.mark.parametrize("column", ["data", "details"])
def test_what_was_taken_out_of_an_entry_is_missed(column: str):
    entry = audit.record("send", "ada", new={"a": 1}, data=b"hello")
    AuditEntry.objects.update(**{column: b"" if column == "data" else ""})
    assert first_wrong() == entry.number


FOREIGN = ["''", "'x'", "x'ff'", "CAST(x'ff' AS TEXT)", "0", "-1", "1.5", "9e999", "9223372036854775807", "'[[1]]'"]


@pytest.mark.skipif("connection.vendor != 'sqlite'")
@pytest.mark.parametrize("value", FOREIGN)
@pytest.mark.parametrize("column", [*chain.COLUMNS, "hash"])
def test_whatever_is_put_into_a_column_the_entry_is_named(ten: list[AuditEntry], column: str, value: str):
    """SQLite takes any type in any column, and text that is no UTF-8."""
    before = (ten[4].number, getattr(ten[4], column))
    number = 10 if column == "number" else 5
    sql(f"UPDATE services_auditentry SET {column} = {value} WHERE number = {number}")  # noqa: S608 - the test's own words
    with connection.cursor() as cursor:
        statement = f"SELECT 1 FROM services_auditentry WHERE number = %s AND {column} = %s"  # noqa: S608 - the test's own words
        same = cursor.execute(statement, before).fetchone() and number == 5
    if same:
        assert verify([]).entries == 10
        return
    with pytest.raises(AuditBroken, match=r"^Entry -?\d+ "):
        verify([])


def rehash(number: int, **changed: object) -> None:
    """As somebody would who knows how the chain is made."""
    entry = AuditEntry.objects.get(number=number)
    for column, value in changed.items():
        setattr(entry, column, value)
    entry.hash = chain.digest(entry)
    AuditEntry.objects.filter(number=number).update(hash=entry.hash, **changed)


def test_an_entry_that_was_edited_and_hashed_anew_is_named(ten: list[AuditEntry]):
    rehash(5, who="eve")
    assert first_wrong() == 5


def test_a_chain_that_was_rewritten_to_its_end_differs_from_what_was_told(ten: list[AuditEntry]):
    rehash(5, who="eve")
    for number in range(6, 11):
        rehash(number, previous=AuditEntry.objects.get(number=number - 1).hash)
    assert verify([Head(4, ten[3].hash)]).entries == 10  # nobody could know
    assert first_wrong(ten[3], ten[6]) == 7


@pytest.mark.parametrize(
    ("where", "wrong"), [("number = 1", 1), ("number = 5", 5), ("number IN (5, 6)", 5), ("number < 4", 1)]
)
def test_deleted_entries_are_missed(ten: list[AuditEntry], where: str, wrong: int):
    sql(f"DELETE FROM services_auditentry WHERE {where}")  # noqa: S608 - the test's own words
    assert first_wrong() == wrong


def test_a_deletion_whose_traces_were_covered_by_renumbering_is_found(ten: list[AuditEntry]):
    sql("DELETE FROM services_auditentry WHERE number = 5")
    for number in range(6, 11):
        sql("UPDATE services_auditentry SET number = %s WHERE number = %s", number - 1, number)
    assert first_wrong() == 5


def test_the_end_that_was_cut_off_is_missed_by_what_was_told(ten: list[AuditEntry]):
    sql("DELETE FROM services_auditentry WHERE number > 7")
    assert verify([Head(7, ten[6].hash)]).last == 7
    assert first_wrong(ten[8]) == 8


def test_all_of_it_cut_off_is_missed_by_what_was_told(ten: list[AuditEntry]):
    sql("DELETE FROM services_auditentry")
    assert first_wrong(ten[8]) == 1


def cut_off(last: AuditEntry, **changed: object) -> int:
    """An entry that lets the database's own guard give up all the others."""
    forged = AuditEntry.objects.get(number=last.number)
    forged.number, forged.previous, forged.cut = last.number + 1, last.hash, last.number
    for column, value in changed.items():
        setattr(forged, column, value)
    forged.hash = str(changed.get("hash") or chain.digest(forged))
    forged.save(force_insert=True)
    sql("DELETE FROM services_auditentry WHERE number <= %s", last.number)
    return forged.number


@pytest.mark.parametrize(
    "forged",
    [
        {"hash": "ab"},
        {},
        *({"verb": "audit.cut", "details": details} for details in ("", "7", "[]", '{"new":7}', '{"new":{"hash":[]}}')),
        {"verb": "audit.cut", "details": "[" * 100_000},
        {"details": '{"new":{"hash":"ab"}}'},
    ],
)
def test_a_cut_that_nobody_made_is_named(ten: list[AuditEntry], forged: dict[str, object]):
    assert cut_off(ten[9], **forged) == first_wrong() == 11


def test_an_entry_before_the_first_is_named(ten: list[AuditEntry]):
    sql("UPDATE services_auditentry SET number = 0 WHERE number = 1")
    assert first_wrong() == 0


def test_an_inserted_entry_is_named(ten: list[AuditEntry]):
    for number in range(10, 5, -1):
        sql("UPDATE services_auditentry SET number = %s WHERE number = %s", number + 1, number)
    forged = AuditEntry.objects.get(number=5)
    forged.number, forged.who, forged.previous = 6, "eve", forged.hash
    forged.hash = chain.digest(forged)
    forged.save(force_insert=True)
    assert first_wrong() in (6, 7)


def test_entries_that_changed_places_are_named(ten: list[AuditEntry]):
    for old, new in ((5, 99), (6, 5), (99, 6)):
        sql("UPDATE services_auditentry SET number = %s WHERE number = %s", new, old)
    assert first_wrong() == 5


@pytest.fixture
def guarded() -> Iterator[None]:
    guard.put_up()
    yield
    guard.take_down()


def test_it_is_told_whether_the_databases_own_guard_stands(guarded: None):
    assert verify([]).guarded
    guard.take_down()
    assert not verify([]).guarded
    guard.put_up()
