"""Whatever somebody left in an entry, the audit is read: with every answer's types, and a word on what is wrong."""

import msgspec
import pytest
from django.db import connection

from services import audit, operations
from services.audit import entries
from services.audit.entries import Filter
from services.audit.verifying import verify
from services.errors import AuditBroken, EntryUnknown
from services.models import AuditEntry
from tests.services.audit import tampering

pytestmark = pytest.mark.django_db(databases=["default", "messages"])
lax = pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite takes any type in any column")
TEXTS = ("at", *entries.TEXTS, "fault")


def all_told() -> list[dict[str, object]]:
    found, more = entries.listed(Filter(limit=1000))
    assert not more
    return [entries.told(entry) for entry in found]


def test_every_edited_entry_is_told_with_what_is_wrong_and_no_other():
    edited = tampering.tamper()
    told = all_told()
    assert len([one for one in told if one["fault"]]) == edited
    assert not [one for one in told if one["what"] == "untouched" and one["fault"]]


def test_what_is_told_has_the_types_of_every_answer():
    tampering.tamper()
    tampering.odd()
    for one in all_told():
        assert {type(one[field]) for field in TEXTS} == {str}
        assert {type(one[field]) for field in ("id", "size")} == {int}
        assert isinstance(one["data"], bytes)
        msgspec.json.encode(one)
        assert len(list(entries.changes(one))) < 100


def test_what_is_odd_and_not_wrong_is_told_as_it_is():
    assert tampering.odd() == len([one for one in all_told() if not one["fault"]])


@lax
def test_no_value_is_fetched_that_is_longer_than_any_that_is_written():
    entry = audit.record("send", "ada")
    tampering.sql("UPDATE services_auditentry SET details = zeroblob(300000000), who = hex(zeroblob(2000000))")
    [found] = entries.listed(Filter())[0]
    assert (found.details, found.who, found.number) == (None, None, entry.number)
    assert entries.names("who") == []


@lax
@pytest.mark.parametrize("value", ["'x'", "x'ff'", "CAST(x'ff' AS TEXT)", "1.5", "9e999"])
def test_an_entry_whose_number_was_taken_hides_no_other(value: str):
    for number in range(5):
        audit.record("send", "ada", what=f"{number}")
    tampering.number_away(5, value)
    told = all_told()
    assert sorted(str(one["what"]) for one in told) == ["0", "1", "2", "3", "4"]
    assert [one["id"] for one in told if one["fault"]] == [0]
    found, more = entries.listed(Filter(limit=1))
    assert more
    older, _ = entries.listed(Filter(before=entries.next_before([entries.told(one) for one in found])))
    assert {one.what for one in (*found, *older)} == {"0", "1", "2", "3", "4"}
    assert entries.head()[0] in (4, 0)
    with pytest.raises(AuditBroken):
        verify([])


@lax
def test_names_on_offer_are_names():
    for who in ("ada", "otto"):
        audit.record("send", who)
    for value in ("x'ff'", "7", "CAST(x'ff' AS TEXT)", "hex(zeroblob(1000))"):
        number = audit.record("send", "zoe").number
        tampering.sql(f"UPDATE services_auditentry SET who = {value} WHERE number = {number}")  # noqa: S608 - the test's own words
    assert entries.names("who")[-2:] == ["ada", "otto"]


def test_a_configuration_that_somebody_edited_is_given_back_to_nobody():
    server = operations.create({"preset": "echo", "name": "lab"}, "ada")
    number = AuditEntry.objects.get(verb="server.create").number
    tampering.sql("UPDATE services_auditentry SET details = replace(details, '127.0.0.1', '0.0.0.0')")
    with pytest.raises(EntryUnknown, match=f"Entry {number} of the audit was edited"):
        entries.configuration_of(server, number)
    assert [entries.told(one)["fault"] for one in entries.configurations_of(server)] == [
        "its hash is that of something else"
    ]
