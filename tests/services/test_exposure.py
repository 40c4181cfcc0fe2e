"""What came to a server is ended at once, together, and however long the database is away."""

import asyncio
from typing import Any

import pytest
from django.db import OperationalError

from services import exposure
from services.exposure import MOST, Exposure, Tell
from services.jobs import Job
from services.models import Incident
from services.servers.report import Exposed
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


class Ending:
    """Somebody who ends what comes, or cannot; and what was noted of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[int], str]] = []
        self.fails = 0
        self.poison: set[int] = set()
        self.jobs: list[Job] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.exposure = Exposure(self._spawn, self.jobs.append)

    def _spawn(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=name))

    def end(self, exposed: list[Exposed], at: str, **_: Any) -> list[str]:
        if self.poison & {one.connection for one in exposed}:
            raise KeyError("a fault of ours")
        if self.fails:
            self.fails -= 1
            raise OperationalError("away")
        self.calls.append(([one.connection for one in exposed], at))
        return ["the session of ada has ended"]


@pytest.fixture
async def ending(monkeypatch: pytest.MonkeyPatch) -> Ending:
    monkeypatch.setattr(exposure, "RETRY", 0.01)
    monkeypatch.setattr(exposure, "PAUSE", 0.001)
    monkeypatch.setattr(exposure, "came", type(exposure.came)())
    found = Ending()
    exposure.came.connect(found.end)
    return found


def one(number: int) -> Exposed:
    return Exposed(1, "session", number.to_bytes(32), number, "127.0.0.1:5000")


async def test_what_comes_while_the_database_is_busy_is_ended_together(ending: Ending):
    ending.exposure.note(1, [one(1)])
    for number in (2, 3, 4):
        await asyncio.sleep(0)
        ending.exposure.note(1, [one(number)])
    await ending.exposure.close()
    assert [number for numbers, _ in ending.calls for number in numbers] == [1, 2, 3, 4]
    assert len(ending.calls) <= 2


async def test_a_database_that_is_away_is_asked_again(ending: Ending):
    ending.fails = 3
    ending.exposure.note(1, [one(1)])
    await eventually_async(lambda: asyncio.sleep(0, ending.calls))
    assert ending.calls == [([1], "a server that is gone")]
    await ending.exposure.close()


async def test_what_waits_is_bounded(ending: Ending):
    ending.exposure.note(1, [one(1)] * (MOST + 10))
    await ending.exposure.close()
    assert len(ending.calls[0][0]) == MOST


async def test_what_was_ended_is_an_incident_of_the_server(ending: Ending):
    ending.exposure.note(1, [one(1)])
    await ending.exposure.close()
    [job] = ending.jobs
    assert isinstance(job, Tell)
    await asyncio.to_thread(job.write, {})
    incident = await Incident.objects.aget()
    assert (incident.server_id, incident.rule, incident.what) == (1, "secret", "the session of ada has ended")


async def test_nothing_that_came_asks_nobody(ending: Ending):
    ending.exposure.note(1, [])
    await ending.exposure.close()
    assert (ending.calls, ending.tasks) == ([], [])


async def test_one_that_cannot_be_ended_keeps_no_other_and_is_told(ending: Ending, caplog: pytest.LogCaptureFixture):
    ending.poison = {5, 60}
    ending.exposure.note(1, [one(number) for number in range(100)])
    await ending.exposure.close()
    ended = {number for numbers, _ in ending.calls for number in numbers}
    assert ended == set(range(100)) - ending.poison
    assert caplog.text.count("was not ended: end it by hand") == 2


@pytest.mark.parametrize("fault", ["database", "poison"])
async def test_what_was_ended_at_one_server_is_told_though_the_next_one_fails(
    ending: Ending, caplog: pytest.LogCaptureFixture, fault: str
):
    """Nothing of it is alive at the second try, so nobody could tell it any more."""
    ended: set[int] = set()

    def once(exposed: list[Exposed], **_: Any) -> list[str]:
        [number] = {one.connection for one in exposed}
        if number == 2 and "could not be ended" not in caplog.text:
            raise OperationalError("away") if fault == "database" else KeyError("a fault of ours")
        alive, _ = {number} - ended, ended.add(number)
        return [f"the session of {number} has ended" for number in alive]

    exposure.came.disconnect(ending.end)
    exposure.came.connect(once)
    for number in (1, 2, 3):
        ending.exposure.note(number, [one(number)])
    await ending.exposure.close()
    told = sorted((job.server, job.sentences) for job in ending.jobs if isinstance(job, Tell))
    assert told == [(number, [f"the session of {number} has ended"]) for number in (1, 2, 3)]


async def test_a_fault_that_passes_costs_nobody_anything(ending: Ending, caplog: pytest.LogCaptureFixture):
    ending.poison = {1}
    ending.exposure.note(1, [one(1)])
    await eventually_async(lambda: asyncio.sleep(0, "could not be ended." in caplog.text))
    ending.poison = set()
    await ending.exposure.close()
    assert ending.calls == [([1], "a server that is gone")]


async def test_that_some_were_left_out_is_told_once_with_their_number(ending: Ending, caplog: pytest.LogCaptureFixture):
    for _ in range(3):
        ending.exposure.note(1, [one(1)] * MOST)
    await ending.exposure.close()
    assert caplog.text.count("are left out") == 1
    assert f"{2 * MOST} keys that came to servers were left out" in caplog.text
