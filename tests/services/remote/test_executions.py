"""What ran on a server, page by page."""

import pytest

from services.models import Execution
from services.remote import executions

pytestmark = pytest.mark.django_db(databases=["messages"])


def make(count: int, server: int = 7) -> list[int]:
    words = {"server_id": server, "run": 1, "connection": 1, "at": 1, "command": "uname", "argv": ["uname"]}
    return [Execution.objects.create(ask=ask, **words).pk for ask in range(1, count + 1)]


def test_the_newest_come_first_and_those_of_others_not_at_all() -> None:
    ids = make(3)
    make(2, server=8)
    assert [row.pk for row in executions.of(7)] == ids[::-1]


def test_pages_follow_each_other_without_a_hole_or_a_double() -> None:
    ids = make(5)
    first = executions.of(7, limit=2)
    second = executions.of(7, before=first[-1].pk, limit=3)
    assert [row.pk for row in first + second] == ids[::-1]


def test_a_page_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "MAX_LIMIT", 2)
    make(3)
    assert len(executions.of(7, limit=1000)) == 2
