"""While messages are held nothing is stored and nothing lost; afterwards everything is, in its order."""

import asyncio
import sqlite3

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connections

from services import databases, jobs, write_ahead
from services.batches import StoreBatch
from services.disk import MIB, Reserve, Room
from services.holding import Hold
from services.models import MESSAGES, Incident, Message, Node
from services.recorder import Recorder
from services.write_ahead import WriteAheadLog
from tests.services.recording import batch
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


class Scene:
    """A recorder on a disk of 10 GiB that a test fills by hand."""

    def __init__(self, data_dir, log: WriteAheadLog | None = None) -> None:
        self.free = 5000 * MIB
        hold = Hold(Reserve(data_dir, lambda _: Room(10_240 * MIB, self.free, 64 * MIB)), log)
        self.noted: list[str] = []
        self.stored: list[int] = []
        self.recorder = Recorder(
            asyncio.get_running_loop(), lambda _: None, lambda: None, hold, lambda why: self.noted.append(why)
        )

    def put(self, number: int, *data: bytes) -> None:
        self.recorder.put(StoreBatch(7, 1, batch(number, *data), self.stored.append))


@pytest.fixture
async def scene(tmp_path, monkeypatch):
    monkeypatch.setattr("services.holding.REFUSED_FOR", 0.2)
    monkeypatch.setattr("services.holding.CALM_AFTER", 0.3)
    monkeypatch.setattr("services.recorder.IDLE", 0.05)
    made = Scene(tmp_path, WriteAheadLog(databases.file_of(MESSAGES)))
    made.recorder.start()
    yield made
    await made.recorder.close()


async def held(scene: Scene) -> None:
    scene.free = 100 * MIB
    await eventually_async(lambda: scene.noted and scene.noted[-1].startswith("SP-4001 "))


async def test_a_short_disk_holds_messages_and_nothing_else(scene):
    await held(scene)
    scene.put(1, b"a")
    scene.recorder.put(jobs.Live("local", 1, 1, ""))
    await eventually_async(Node.objects.filter(name="local").aexists)
    await eventually_async(Incident.objects.filter(server_id=7, rule="store").aexists)
    assert scene.stored == []
    assert not await Message.objects.aexists()


async def test_what_was_held_is_stored_in_order_when_there_is_room_again(scene):
    await held(scene)
    for number in range(1, 6):
        scene.put(number, b"%d" % number)
    scene.free = 5000 * MIB
    await eventually_async(lambda: scene.stored == [1, 2, 3, 4, 5])
    await eventually_async(lambda: scene.noted[-1] == "")
    found = [bytes(data) async for data in Message.objects.order_by("seq").values_list("data", flat=True)]
    assert found == [b"1", b"2", b"3", b"4", b"5"]


async def test_a_refused_transaction_is_held_and_tried_again_never_counted_as_unstorable(scene, monkeypatch):
    real, full = Recorder._write, sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    refusals = iter(range(3))

    def write(self, group):
        if any(job.rows for job in group) and next(refusals, None) is not None:
            raise OperationalError(*full.args) from full
        real(self, group)

    monkeypatch.setattr(Recorder, "_write", write)
    scene.put(1, b"a")
    scene.put(2, b"b")
    await eventually_async(lambda: scene.stored == [1, 2])
    assert any(note.startswith("SP-4001 ") for note in scene.noted)
    assert await Message.objects.acount() == 2


async def test_the_end_stores_what_was_held(scene):
    await held(scene)
    scene.put(1, b"last")
    await scene.recorder.close()
    assert await Message.objects.acount() == 1


async def test_a_long_read_lets_the_log_grow_so_far_and_no_further(scene, monkeypatch):
    monkeypatch.setattr(write_ahead, "LONG", 256 * 1024)
    monkeypatch.setattr(write_ahead, "TOO_LONG", MIB)
    monkeypatch.setattr(write_ahead, "TRY_EVERY", 0.1)
    file = databases.file_of(MESSAGES)
    log = file.with_name(f"{file.name}-wal")
    reader = await sync_to_async(sqlite3.connect)(file, check_same_thread=False, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM services_message").fetchone()
    for number in range(1, 41):
        scene.put(number, *[b"x" * 50_000] * 20)
        await eventually_async(lambda number=number: number in scene.stored or scene.noted, within=10)
    await eventually_async(lambda: scene.noted and scene.noted[-1].startswith("SP-4002 "))
    size = log.stat().st_size
    assert size < 48 * MIB
    reader.execute("ROLLBACK")
    reader.close()
    await eventually_async(lambda: len(scene.stored) == 40)
    await eventually_async(lambda: scene.noted[-1] == "")


async def test_a_burst_leaves_no_longer_log_than_the_ballast_could_take(tmp_path, monkeypatch):
    monkeypatch.setattr("services.disk.BLOCK", 1)
    small = Room(100 * MIB, 90 * MIB, 5 * MIB)
    log = WriteAheadLog(databases.file_of(MESSAGES))
    hold = Hold(Reserve(tmp_path, lambda _: small), log)
    longest = 0

    def stored(_: int) -> None:
        nonlocal longest
        longest = max(longest, log._size())

    recorder = Recorder(asyncio.get_running_loop(), lambda _: None, lambda: None, hold, lambda _: None)
    await asyncio.to_thread(lambda: (log.begin_anew(), connections.close_all()))
    for number in range(40):
        recorder.put(StoreBatch(7, 1, batch(number + 1, b"x" * MIB), stored))
    recorder.start()
    await recorder.close()
    assert MIB < longest < small.bounds.ballast
