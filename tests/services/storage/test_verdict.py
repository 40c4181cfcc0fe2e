"""What is looked at before a database is used, and what an error of SQLite says of the file."""

import os
import sqlite3
import time
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError

from services import jobs
from services.errors import DatabaseDamaged
from services.models import Counters, Message
from services.storage import verdict
from tests.services.recording import batch, recording
from tests.services.stored import Stored, query


def error(kind: type[DatabaseError], code: int) -> DatabaseError:
    """As Django tells what SQLite said."""
    cause = sqlite3.DatabaseError("...")
    cause.sqlite_errorcode = code
    told = kind("...")
    told.__cause__ = cause
    return told


@pytest.mark.parametrize(
    ("kind", "code", "is_damage"),
    [
        (DatabaseError, sqlite3.SQLITE_CORRUPT, True),
        (DatabaseError, sqlite3.SQLITE_CORRUPT_INDEX, True),
        (DatabaseError, sqlite3.SQLITE_NOTADB, True),
        (OperationalError, sqlite3.SQLITE_IOERR_SHORT_READ, True),
        (OperationalError, sqlite3.SQLITE_IOERR_WRITE, False),
        (OperationalError, sqlite3.SQLITE_BUSY, False),
        (OperationalError, sqlite3.SQLITE_FULL, False),
        (OperationalError, sqlite3.SQLITE_READONLY, False),
    ],
)
def test_tells_damage_of_the_file_from_trouble_of_the_machine(kind, code: int, is_damage: bool):
    assert verdict.is_damage(error(kind, code)) is is_damage
    assert verdict.is_circumstance(error(kind, code)) is not is_damage


def test_bytes_in_the_place_of_a_text_are_damage():
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(":memory:").execute("SELECT CAST(x'ff' AS TEXT)").fetchone()
    assert verdict.is_damage(caught.value)


def test_an_error_of_nobodys_file_is_none():
    assert not verdict.is_damage(OperationalError("connection refused"))
    assert not verdict.is_damage(None)


@pytest.fixture
def stored(data_directory: Path, environment: dict[str, str]) -> Stored:
    made = Stored(data_directory, environment)
    made.fill(600)
    return made


def test_a_large_file_costs_no_more_than_its_small_tables(stored: Stored, monkeypatch):
    """Its messages are read when somebody asks for them, and with every backup."""
    monkeypatch.setattr(verdict, "CHECKED_WHOLE", 0)
    root = query(stored.messages, "SELECT rootpage FROM sqlite_master WHERE name = 'services_message'")[0][0]
    spoil(stored.messages, root)
    verdict.judge("messages", stored.messages)
    root = query(stored.messages, "SELECT rootpage FROM sqlite_master WHERE name = 'services_counters'")[0][0]
    spoil(stored.messages, root)
    with pytest.raises(DatabaseDamaged):
        verdict.judge("messages", stored.messages)


def spoil(file: Path, page: int) -> None:
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xff" * 4096)


def test_a_gigabyte_is_judged_in_no_time(stored: Stored):
    os.truncate(stored.messages, 1 << 30)  # pages that nobody owns
    started = time.monotonic()
    verdict.judge("messages", stored.messages)
    assert time.monotonic() - started < 2.0


def test_a_file_whose_last_page_is_not_whole_is_refused(stored: Stored):
    os.truncate(stored.messages, stored.messages.stat().st_size - 1)
    with pytest.raises(DatabaseDamaged, match="its end is missing"):
        verdict.judge("messages", stored.messages)


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
async def test_the_recorder_holds_back_what_a_damaged_file_does_not_take(monkeypatch):
    """It counts nothing as lost: once the file is whole again everything is stored."""
    failures = [error(DatabaseError, sqlite3.SQLITE_CORRUPT) for _ in range(2)]
    write_books = jobs.write_books

    def failing(books):
        if failures:
            raise failures.pop()
        write_books(books)

    monkeypatch.setattr("services.recorder.write_books", failing)
    async with recording() as it:
        await it.store(7, batch(1, b"a"), batch(2, b"b"))
    assert await sync_to_async(Message.objects.filter(server_id=7).count)() == 2
    assert (await Counters.objects.aget(pk=7)).dropped == {}
