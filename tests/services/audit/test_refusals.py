"""A refusal stands in the audit once a minute, with the number of those between; nobody can fill it by being refused."""

import pytest
from django.db import Error

from services import audit
from services.audit import refusals
from services.audit.refusals import BURST, MAX_KNOWN, SAME_EVERY, Refusals
from services.models import AuditEntry

SORT = ("refused", "otto", "192.0.2.7", "SP-1005", "POST /")


def test_the_same_one_is_told_once_a_minute_with_the_number_of_the_others():
    told = Refusals()
    assert [told.counted(SORT, at) for at in (100.0, 101.0, 159.9, 160.0, 220.0)] == [0, None, None, 2, 0]


def test_many_sorts_are_told_only_so_often():
    told = Refusals()
    first = [told.counted((*SORT, str(number)), 1000.0) for number in range(100)]
    assert first.count(0) == BURST
    assert told.counted((*SORT, "later"), 1000.0 + 1.9) is None
    assert told.counted((*SORT, "later"), 1000.0 + 2.0) == 1


def test_sorts_are_forgotten_before_they_take_much_memory():
    told = Refusals()
    for number in range(MAX_KNOWN + 50):
        told.counted((str(number),), 1000.0 + number * SAME_EVERY)
    assert len(told._known) == MAX_KNOWN


@pytest.mark.django_db
def test_it_is_written_with_its_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "_refusals", Refusals())
    for _ in range(3):
        audit.refused("otto", "POST /servers/lab/", "SP-1005", server="lab")
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.who, entry.code, entry.server) == ("refused", "otto", "SP-1005", "lab")


def test_a_refusal_stands_though_it_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise Error("database or disk is full")

    monkeypatch.setattr(refusals, "_refusals", Refusals())
    monkeypatch.setattr(refusals, "record", fail)
    audit.refused("otto", "POST /servers/lab/", "SP-1005")
    assert "could not be written into the audit" in caplog.text
