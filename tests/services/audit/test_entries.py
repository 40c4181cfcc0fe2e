"""Entries are found by who, what, where and when, by pages that have no holes."""

import pytest

from services import audit
from services.audit import entries
from services.audit.entries import Filter
from services.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def five() -> None:
    audit.record("server.create", "ada", server="lab", configuration={"port": 1})
    audit.record("server.start", "ada", server="lab")
    audit.record("send", "otto", server="bench", data=b"hello")
    audit.record("serverless", "otto")
    audit.record("refused", "vera", server="lab", code="SP-1005")


def numbers(wanted: Filter) -> list[int]:
    return [entry.number for entry in entries.listed(wanted)[0]]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [5, 4, 3, 2, 1]),
        (Filter(before=3), [2, 1]),
        (Filter(after=3), [4, 5]),
        (Filter(who="ada"), [2, 1]),
        (Filter(verb="server"), [2, 1]),
        (Filter(verb="server.start"), [2]),
        (Filter(server="lab"), [5, 2, 1]),
        (Filter(server="lab", who="ada", verb="server.start"), [2]),
        (Filter(refused=True), [5]),
        (Filter(since=2**62), []),
        (Filter(until=1), []),
        (Filter(who="a\0"), []),
        (Filter(limit=0), [5]),
    ],
)
def test_all_conditions_hold_together(wanted: Filter, found: list[int]):
    assert numbers(wanted) == found


def test_times_are_included_at_both_ends():
    at = AuditEntry.objects.get(number=3).at
    AuditEntry.objects.filter(number__lt=3).update(at=at - 1)
    AuditEntry.objects.filter(number__gt=3).update(at=at + 1)
    assert numbers(Filter(since=at, until=at)) == [3]


def test_there_is_more_only_where_more_is():
    assert [entries.listed(Filter(limit=limit))[1] for limit in (4, 5)] == [True, False]
    assert [entries.listed(Filter(after=0, limit=limit))[1] for limit in (4, 5)] == [True, False]


def test_changes_are_told_field_by_field_and_only_what_differs_inside():
    told = {
        "old": {"port": 1, "gone": True, "reply": {"type": "echo", "close": False}},
        "new": {"port": 2, "notes": "x", "reply": {"type": "upper", "close": False}},
    }
    assert entries.changes(told) == [
        ("port", "1", "2"),
        ("notes", None, '"x"'),
        ("reply.type", '"echo"', '"upper"'),
        ("gone", "true", "null"),
    ]


def test_the_names_on_offer_are_those_that_stand_there():
    assert entries.names("who") == ["ada", "otto", "vera"]
