"""A refusal stands in the audit once a minute, with the number of those between; nobody can fill it by being refused."""

import pytest
from django.db import Error

from services import audit
from services.audit import refusals
from services.audit.origin import coming_from
from services.audit.refusals import BURST, MAX_KNOWN, MAX_SORTS, PER_SECOND, SAME_EVERY, STRANGERS_BURST, Refusals
from services.models import AuditEntry, Server
from tests.services.servers.secrets_of import TOKEN, leaks

SORT = ("refused", "otto", "192.0.2.7", "SP-1005", "POST /")


def test_the_same_one_is_told_once_a_minute_with_the_number_of_the_others():
    told = Refusals()
    times = (100.0, 101.0, 159.9, 160.0, 220.0)
    assert [told.counted("otto", "", SORT, at) for at in times] == [0, None, None, 2, 0]


def told_of(told: Refusals, person: str, source: str, many: int) -> int:
    """How many of as many sorts are told."""
    return [told.counted(person, source, (*SORT, str(number)), 1000.0) for number in range(many)].count(0)


def test_many_sorts_of_one_person_are_told_only_so_often():
    told = Refusals()
    assert told_of(told, "otto", "", 100) == BURST
    assert told.counted("otto", "", (*SORT, "later"), 1000.0 + 0.9 / PER_SECOND) is None
    assert told.counted("otto", "", (*SORT, "later"), 1000.0 + 1 / PER_SECOND) == 1


def test_nobody_keeps_what_others_are_refused_out_of_the_audit():
    told = Refusals()
    told_of(told, "vera", "192.0.2.7", 2000)
    told_of(told, "", "192.0.2.7", 2000)
    assert told.counted("otto", "192.0.2.7", SORT, 1000.0) == 0
    assert told.counted("", "192.0.2.8", SORT, 1000.0) == 0


def test_strangers_from_many_addresses_are_told_only_so_often_and_people_all_the_same():
    told = Refusals()
    assert sum(told_of(told, "", f"192.0.2.{last}", 20) for last in range(200)) == STRANGERS_BURST
    assert told.counted("otto", "192.0.2.7", SORT, 1000.0) == 0


def test_they_are_forgotten_before_they_take_much_memory():
    told = Refusals()
    for number in range(MAX_KNOWN + 50):
        told.counted("", str(number), SORT, 1000.0)
        told.counted(str(number), "", SORT, 1000.0)
        told.counted("otto", "", (str(number),), 1000.0 + number * SAME_EVERY)
    assert (len(told._strangers), len(told._people), len(told._people["otto"].sorts)) == (
        MAX_KNOWN,
        MAX_KNOWN,
        MAX_SORTS,
    )


@pytest.mark.django_db
def test_it_is_written_with_its_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "_refusals", Refusals())
    Server.objects.create(name="lab", kind="tcp", host="127.0.0.1", port=9)
    for _ in range(3):
        audit.refused("otto", "POST /servers/lab/", "SP-1005", server="lab")
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.who, entry.code, entry.server) == ("refused", "otto", "SP-1005", "lab")


@pytest.mark.django_db
def test_a_server_that_is_made_up_is_not_named_as_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "_refusals", Refusals())
    audit.refused("otto", "POST /servers/junk/", "SP-1005", server="junk")
    assert list(AuditEntry.objects.values_list("server", "what")) == [("", "POST /servers/junk/")]


@pytest.mark.django_db
def test_who_only_says_to_be_somebody_is_a_stranger_of_a_place(monkeypatch: pytest.MonkeyPatch):
    """Of IPv6 the place is a /64. The account that is named stays free to be refused things itself."""
    monkeypatch.setattr(refusals, "_refusals", Refusals())
    for number in range(100):
        with coming_from("page", f"2001:db8::{number:x}%eth0"):
            audit.refused("otto", "a wrong password", "SP-1012", verb="sign-in.refused")
    assert AuditEntry.objects.count() == BURST
    audit.refused("otto", "POST /servers/", "SP-1005")
    assert AuditEntry.objects.count() == BURST + 1


def test_a_refusal_stands_though_it_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise Error("database or disk is full")

    monkeypatch.setattr(refusals, "_refusals", Refusals())
    monkeypatch.setattr(refusals, "record", fail)
    audit.refused("otto", "POST /servers/lab/", "SP-1005")
    assert "could not be written into the audit" in caplog.text


@pytest.mark.django_db
def test_a_token_is_taken_out_before_the_rest_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "_refusals", Refusals())
    audit.refused("otto", f"GET /{'x/' * 230}{TOKEN.decode()}", "SP-1005")
    assert leaks(AuditEntry.objects.get().what.encode()) == []
