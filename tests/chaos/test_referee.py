"""A referee that never says no is worth nothing: each fault is put into a database, and must be found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.ledger import Ledger, Send, read
from tests.chaos.referee import judge

TABLES = """
CREATE TABLE services_message (server_id, seq, connection, run, direction, data);
CREATE TABLE services_run (server_id, number, ended_at);
CREATE TABLE services_connection (server_id, number, closed_at);
CREATE TABLE services_statechange (id, server_id, old, new);
CREATE TABLE services_counters (server_id, last_seq, received, stored, dropped, bytes_in, stored_bytes, dropped_bytes,
    sent, sent_stored, sent_dropped, bytes_out, sent_stored_bytes, sent_dropped_bytes);
INSERT INTO services_run VALUES (1, 1, 99);
INSERT INTO services_connection VALUES (1, 11, 99);
INSERT INTO services_statechange VALUES (1, 1, 'STOPPED', 'STARTING'), (2, 1, 'STARTING', 'RUNNING');
INSERT INTO services_counters VALUES (1, 4, 3, 2, '{"oversize": 1}', 30, 20, '{"oversize": 10}', 2, 2, '{}', 20, 20, '{}');
"""


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger(tmp_path / "ledger", "lab") as ledger:
        yield ledger


@pytest.fixture
def database(tmp_path: Path, ledger: Ledger):
    """Two messages that were sent, answered and stored, with their answers."""
    with closing(sqlite3.connect(tmp_path / "messages.sqlite3", isolation_level=None)) as database:
        database.executescript(TABLES)
        for seq in (1, 3):
            send = ledger.next()
            ledger.answered(send)
            for offset, direction in ((0, 0), (1, 1)):
                row = (1, seq + offset, 11, 1, direction, send.data)
                database.execute("INSERT INTO services_message VALUES (?, ?, ?, ?, ?, ?)", row)
        yield database


def test_what_is_as_it_should_be_has_no_fault(database: sqlite3.Connection, ledger: Ledger, tmp_path: Path):
    (verdict,) = judge(tmp_path, {1: [ledger]})
    assert (verdict.messages, verdict.answered) == (4, 2)


def test_what_was_sent_again_and_stored_twice_under_two_attempts_is_no_fault(
    database: sqlite3.Connection, ledger: Ledger, tmp_path: Path
):
    send = ledger.next()
    for attempt in (send, ledger.again(send)):
        database.execute(
            "INSERT INTO services_message SELECT 1, max(seq) + 1, 11, 1, 0, ? FROM services_message", [attempt.data]
        )
    database.execute(
        "UPDATE services_counters SET last_seq = 6, received = 5, stored = 4, bytes_in = 50, stored_bytes = 40"
    )
    judge(tmp_path, {1: [ledger]})


def test_the_beginning_of_a_message_at_the_end_of_its_connection_is_no_fault(
    database: sqlite3.Connection, ledger: Ledger, tmp_path: Path
):
    part = ledger.next().data[:-1]
    database.execute("INSERT INTO services_message VALUES (1, 5, 11, 1, 0, ?)", [part])
    database.execute(
        "UPDATE services_counters SET last_seq = 5, received = 4, stored = 3, bytes_in = 40, stored_bytes = 30"
    )
    judge(tmp_path, {1: [ledger]})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("DELETE FROM services_message WHERE seq = 3", "1 lost although answered"),
        ("DELETE FROM services_message WHERE seq = 2", r"1 missing in the sequence, such as \[2\]"),
        ("UPDATE services_message SET data = (SELECT data FROM services_message) WHERE seq = 3", "1 stored twice"),
        ("UPDATE services_message SET data = CAST('lab 9 1 ' AS BLOB) WHERE seq = 3", "1 stored and never sent"),
        (
            "UPDATE services_message SET data = substr(data, 1, length(data) - 1) WHERE seq = 1",
            "1 stored and never sent",
        ),
        ("UPDATE services_counters SET received = 4", "received 4 is not stored 2 and dropped"),
        ("UPDATE services_counters SET dropped_bytes = '{}'", "bytes_in 30 is not stored_bytes 20"),
        ("UPDATE services_counters SET sent = 3", "sent 3 is not sent_stored 2"),
        ("UPDATE services_counters SET bytes_out = 3", "bytes_out 3 is not sent_stored_bytes 20"),
        ("UPDATE services_counters SET stored = 3, received = 4", "the books say"),
        ("DELETE FROM services_counters", "it has rows and no books"),
        ("UPDATE services_run SET ended_at = NULL", "1 runs that never ended"),
        ("UPDATE services_connection SET closed_at = NULL", "1 connections that never ended"),
        ("DELETE FROM services_connection", "4 messages of an unknown connection"),
        ("DELETE FROM services_run", "4 messages of an unknown run"),
        ("UPDATE services_statechange SET old = 'STOPPED'", "1 states that do not follow"),
    ],
)
def test_a_fault_is_found(database: sqlite3.Connection, ledger: Ledger, tmp_path: Path, change: str, complaint: str):
    database.execute(change)
    with pytest.raises(AssertionError, match=complaint):
        judge(tmp_path, {1: [ledger]})


def test_a_damaged_file_is_found(database: sqlite3.Connection, ledger: Ledger, tmp_path: Path):
    database.close()
    file = tmp_path / "messages.sqlite3"
    data = bytearray(file.read_bytes())
    data[4096:4196] = b"\xff" * 100
    file.write_bytes(data)
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        judge(tmp_path, {1: [ledger]})


def test_a_ledger_is_on_disk_as_it_is_in_memory(ledger: Ledger, tmp_path: Path):
    first = ledger.next()
    again = ledger.again(first)
    ledger.answered(again)
    ledger.sync()
    assert read(tmp_path / "ledger", "lab") == ({first, again}, {again})


def test_no_two_sends_have_the_same_bytes_and_a_changed_one_is_none():
    sends = [Send(client, number, attempt) for client in "ab" for number in range(1, 90) for attempt in (1, 2)]
    assert len({send.data for send in sends}) == len(sends)
    assert all(Send.read(send.data) == send for send in sends)
    assert all(Send.read(send.data + b"x") is None and Send.read(send.data[:-1]) is None for send in sends)
