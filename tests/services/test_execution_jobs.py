"""Commands are written down before they run, truthfully to the end, and never without a bound."""

import asyncio
import hashlib
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError

from services import execution_jobs, jobs
from services.execution_jobs import BeginCommand, EndCommand
from services.models import Execution
from services.servers.report import CommandBegun, CommandEnded
from services.supervisor.events import Begun, Ended, RunEnded
from tests.services.recording import AT, Recording, recording

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

KEY = b"k" * 32


def begun(ask: int = 1, server: int = 7, run: int = 1, **words: Any) -> Begun:
    told = {"connection": 4, "at": AT, "key": "lab", "public": KEY, "who": "ada", "source": "10.9.8.7:5000"}
    more = {"command": "uname", "argv": ("uname", "-s")}
    return Begun(server, run, CommandBegun(**{"ask": ask, **told, **more, **words}))


def ended(ask: int = 1, server: int = 7, run: int = 1, **words: Any) -> Ended:
    return Ended(server, run, CommandEnded(ask=ask, at=AT + 9, **words))


async def begin(it: Recording, told: Begun, within: float = 10) -> bool:
    """Whether it was recorded in time."""
    recorded = asyncio.Event()
    it.recorder.put(BeginCommand(told, recorded.set))
    try:
        await asyncio.wait_for(recorded.wait(), within)
    except TimeoutError:
        return False
    return True


async def rows() -> list[Execution]:
    return [row async for row in Execution.objects.order_by("id")]


async def test_what_is_told_of_a_command_is_written_down_before_it_may_run():
    async with recording() as it:
        assert await begin(it, begun())
        (row,) = await rows()
    assert (row.server_id, row.run, row.ask, row.connection, row.at) == (7, 1, 1, 4, AT)
    assert (row.key, row.public, row.who, row.source) == ("lab", KEY.hex(), "ada", "10.9.8.7:5000")
    assert (row.command, row.argv, row.ended_at) == ("uname", ["uname", "-s"], None)
    assert row.argv_sha256 == hashlib.sha256(b"uname\0-s\0").hexdigest()


async def test_how_it_ended_stands_in_the_same_row():
    async with recording() as it:
        for ask in (1, 2):
            await begin(it, begun(ask))
        words = {"code": 3, "seconds": 0.25, "stdout_bytes": 600, "stderr_bytes": 7, "truncated": True}
        it.recorder.put(EndCommand(ended(2, why="it was cancelled", output=b"\xff\0x", **words)))
    first, second = await rows()
    assert (first.ended_at, first.exit_code) == (None, None)
    assert (second.ended_at, second.exit_code, second.signal, second.seconds) == (AT + 9, 3, None, 0.25)
    assert (second.stdout_bytes, second.stderr_bytes, second.truncated) == (600, 7, True)
    assert (second.why, bytes(second.output)) == ("it was cancelled", b"\xff\0x")


async def test_the_end_of_a_worker_ends_what_it_ran_and_claims_no_exit_status():
    async with recording() as it:
        await begin(it, begun(1))
        await begin(it, begun(2))
        await begin(it, begun(1, server=8))
        it.recorder.put(EndCommand(ended(1, code=0)))
        it.recorder.put(jobs.EndRun(RunEnded(7, 1, AT + 20, None, 9, "")))
    done, cut, other = await rows()
    assert (done.ended_at, done.exit_code, done.why) == (AT + 9, 0, "")
    assert (cut.ended_at, cut.exit_code, cut.signal, cut.why) == (AT + 20, None, None, "the server ended")
    assert other.ended_at is None


async def test_while_the_database_takes_no_write_nobody_is_told_and_afterwards_it_is_there_once(monkeypatch):
    is_full = True
    write = BeginCommand.write

    def full(self: BeginCommand, books: Any) -> None:
        write(self, books)
        if is_full:
            raise OperationalError("database or disk is full")

    monkeypatch.setattr(BeginCommand, "write", full)
    async with recording() as it:
        assert not await begin(it, begun(1), within=0.3)
        assert await rows() == []
        is_full = False
        assert await begin(it, begun(2))
    assert [row.ask for row in await rows()] == [1, 2]


async def test_what_the_database_will_never_take_does_not_run_and_holds_nobody_up(monkeypatch):
    write = BeginCommand.write

    def picky(self: BeginCommand, books: Any) -> None:
        if self.begun.told.ask == 1:
            raise DatabaseError("malformed")
        write(self, books)

    monkeypatch.setattr(BeginCommand, "write", picky)
    async with recording() as it:
        recorded: list[int] = []
        it.recorder.put(BeginCommand(begun(1), lambda: recorded.append(1)))
        assert await begin(it, begun(2))
        assert await begin(it, begun(3))
    assert recorded == []
    assert [row.ask for row in await rows()] == [2, 3]


async def test_a_number_that_comes_twice_is_not_recorded_twice():
    async with recording() as it:
        assert await begin(it, begun(1))
        assert not await begin(it, begun(1), within=0.3)
        assert await begin(it, begun(1, run=2))
    assert [(row.run, row.ask) for row in await rows()] == [(1, 1), (2, 1)]


async def test_the_first_use_of_a_key_from_an_address_is_marked():
    sources = ["10.9.8.7:1", "10.9.8.7:2", "10.9.8.70:1", "[::1]:5", "10.9.8.7:3"]
    async with recording() as it:
        for ask, source in enumerate(sources, 1):
            await begin(it, begun(ask, source=source))
        await begin(it, begun(6, source=sources[0], public=b"o" * 32))
        await begin(it, begun(7, source="10.1.1.1:1", public=b""))
    assert [row.is_new_source for row in await rows()] == [True, False, True, True, False, True, False]


async def test_only_the_newest_are_kept_of_each_server(monkeypatch):
    monkeypatch.setattr(execution_jobs, "KEEP", 3)
    async with recording() as it:
        await begin(it, begun(1, server=8))
        for ask in range(1, 8):
            await begin(it, begun(ask))
    assert [(row.server_id, row.ask) for row in await rows()] == [(8, 1), (7, 5), (7, 6), (7, 7)]


async def test_many_old_ones_go_in_slices(monkeypatch):
    monkeypatch.setattr(execution_jobs, "SLICE", 2)
    async with recording() as it:
        for ask in range(1, 9):
            await begin(it, begun(ask))
        monkeypatch.setattr(execution_jobs, "KEEP", 3)
        await begin(it, begun(9))
        assert [row.ask for row in await rows()] == [3, 4, 5, 6, 7, 8, 9]


async def test_what_no_column_takes_is_made_to_fit_and_the_hash_stands_for_the_whole():
    argv = ("a\0b", *["x" * 40_000] * 3, *[""] * 2_000)
    words = {"key": "k" * 99, "who": "w\0" * 99, "source": "s" * 999, "command": "c" * 99}
    async with recording() as it:
        assert await begin(it, begun(1, argv=argv, **words))
        it.recorder.put(
            EndCommand(
                ended(1, code=2**40, signal=-(2**40), seconds=float("nan"), why="\0" * 9_999, stdout_bytes=-1,
                      stderr_bytes=2**70, output=b"x" * 99_999)
            )
        )  # fmt: skip
    (row,) = await rows()
    assert (len(row.key), len(row.who), len(row.source), len(row.command)) == (64, 150, 255, 64)
    assert sum(map(len, row.argv)) <= execution_jobs.MAX_CHARACTERS
    assert "\0" not in "".join([*row.argv, row.who, row.why])
    assert row.argv_sha256 == hashlib.sha256("".join(f"{word}\0" for word in argv).encode()).hexdigest()
    assert (row.exit_code, row.signal, row.seconds, row.stdout_bytes) == (None, None, None, 0)
    assert (row.stderr_bytes, len(row.why), len(row.output)) == (2**63 - 1, 1_000, 64 * 1024)


async def test_a_deleted_server_takes_its_commands_along():
    async with recording() as it:
        await begin(it, begun(1))
        await begin(it, begun(1, server=8))
        it.recorder.put(jobs.Purge(7, lambda _: None, lambda _: None))
    assert [row.server_id for row in await rows()] == [8]


@pytest.mark.parametrize("words", [["a", "b"], ["ab", ""], ["", "ab"]])
def test_no_two_command_lines_share_a_hash(words: list[str]):
    assert execution_jobs.digest(words) not in {execution_jobs.digest(other) for other in (["ab"], ["a", "b", ""])}


def test_words_beyond_the_first_plane_are_hashed_as_utf8():
    assert execution_jobs.digest(["😀"]) == hashlib.sha256(b"\xf0\x9f\x98\x80\0").hexdigest()


async def test_rows_are_read_from_the_messages_database():
    assert await sync_to_async(lambda: Execution.objects.all().db)() == "messages"
