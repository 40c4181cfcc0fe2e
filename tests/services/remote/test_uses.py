"""The last use of a key is noted, at most once a minute, and never at the cost of anything else."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError

from services.models import Key
from services.remote import uses
from services.servers.report import KeyUsed

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2030, 1, 31, 12, tzinfo=UTC)


class Noting:
    """Uses with a clock that stands, and the tasks that it began."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.tasks: list[asyncio.Task[None]] = []
        self.uses = uses.Uses(self._spawn, lambda: self.now)

    def _spawn(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=name))

    async def note(self, public: bytes, second: int, source: str = "10.9.8.7:5000") -> None:
        self.uses.note(KeyUsed(public, int(AT.timestamp() + second) * 1_000_000, source))
        await self.written()

    async def written(self) -> None:
        await asyncio.gather(*self.tasks)


async def key(name: str) -> bytes:
    public = name.encode().ljust(32, b"k")
    await Key.objects.acreate(name=name, public=public.hex())
    return public


async def test_a_use_is_noted_with_its_time_and_address() -> None:
    lab, noting = await key("lab"), Noting()
    await noting.note(lab, 0, "[fe80::1%eth0]:5000")
    row = await Key.objects.aget()
    assert (row.used_at, row.used_from) == (AT, "fe80::1%eth0")


async def test_a_key_is_noted_once_a_minute_and_each_for_itself() -> None:
    lab, desk, noting = await key("lab"), await key("desk"), Noting()
    await noting.note(lab, 0)
    noting.now += 59.9
    await noting.note(lab, 59, "10.9.8.8:5000")
    await noting.note(desk, 59)
    assert (await Key.objects.aget(name="lab")).used_from == "10.9.8.7"
    assert (await Key.objects.aget(name="desk")).used_at is not None
    noting.now += 0.2
    await noting.note(lab, 60, "10.9.8.8:5000")
    assert (await Key.objects.aget(name="lab")).used_from == "10.9.8.8"


async def test_a_storm_of_uses_is_one_task_and_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "MAX_KNOWN", 10)
    noting = Noting()
    for number in range(1000):
        noting.uses.note(KeyUsed(number.to_bytes(32, "big"), 1, "::1"))
    assert (len(noting.tasks), len(noting.uses._noted), len(noting.uses._waiting)) == (1, 10, 10)
    await noting.written()


async def test_a_database_that_is_away_costs_a_note_and_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(used: KeyUsed) -> None:
        raise OperationalError("away")

    lab, desk, noting = await key("lab"), await key("desk"), Noting()
    with monkeypatch.context() as broken:
        broken.setattr(uses, "_write", away)
        await noting.note(lab, 0)
    assert "could not be noted: away" in caplog.text
    await noting.note(desk, 0)
    assert (await Key.objects.aget(name="desk")).used_at == AT
