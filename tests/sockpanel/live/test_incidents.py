"""What a server refused is told to its pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services.hints import PANEL, ahint
from services.models import Incident
from sockpanel.live import incidents
from sockpanel.live.incidents import NEWEST, Incidents

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]


def note(server: int, *names: str) -> list[int]:
    """Incidents about these, and their numbers."""
    return [
        Incident.objects.create(server_id=server, at=1, rule="source", source=name, what=f"refused {name}", count=2).pk
        for name in names
    ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at often."""
    monkeypatch.setattr(incidents, "EVERY", 0.0)


async def test_a_refusal_is_told_as_it_is_noted(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.say(type="follow", after=None)
    await browser.next("stats")
    (number,) = await sync_to_async(note)(records.server.pk, "10.1.2.3")
    await ahint(PANEL, records.server.pk)
    assert await browser.next("incident") == {
        "type": "incident",
        "id": number,
        "at": "1970-01-01T00:00:00.000001Z",
        "rule": "source",
        "source": "10.1.2.3",
        "what": "refused 10.1.2.3",
        "count": 2,
    }


async def test_a_page_that_shows_no_messages_is_told_too(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.next("stats")
    await sync_to_async(note)(records.server.pk, "10.1.2.3")
    await ahint(PANEL, records.server.pk)
    assert (await browser.next("incident"))["source"] == "10.1.2.3"


async def test_a_page_gets_what_came_after_its_state_and_nothing_older(browse: Browse, records: Any) -> None:
    first, second, third = await sync_to_async(note)(records.server.pk, "a", "b", "c")
    knowing, fresh = await browse(), await browse()
    await knowing.say(type="follow", after=None, incident=first)
    await fresh.say(type="follow", after=None)
    assert [(await knowing.next("incident"))["id"] for _ in range(2)] == [second, third]
    await sync_to_async(note)(records.server.pk, "d")
    await ahint(PANEL, records.server.pk)
    for browser in (knowing, fresh):
        assert (await browser.next("incident"))["source"] == "d"
    assert [frame["id"] for frame in fresh.frames if frame["type"] == "incident"] == [third + 1]


async def test_of_very_many_the_newest_are_told(browse: Browse, records: Any) -> None:
    numbers = await sync_to_async(note)(records.server.pk, *(str(number) for number in range(NEWEST + 5)))
    browser = await browse()
    await browser.next("stats")
    await browser.say(type="follow", after=None, incident=0)
    assert [(await browser.next("incident"))["id"] for _ in range(NEWEST)] == numbers[-NEWEST:]
    assert await browser.silent()


async def test_other_servers_are_no_business_of_this_page(browse: Browse, records: Any) -> None:
    browser = await browse()
    await browser.say(type="follow", after=None)
    await browser.next("stats")
    await sync_to_async(note)(records.server.pk + 1, "a")
    await ahint(PANEL, records.server.pk)
    assert await browser.silent()


def test_it_looks_no_more_often_than_it_may(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "EVERY", 0.5)
    now = [100.0]
    looking = Incidents(1, clock=lambda: now[0])
    note(1, "a")
    assert looking.look() == []
    now[0] += 0.5
    assert len(looking.look()) == 1
    now[0] += 0.5
    assert looking.look() == []
