"""Compares what clients swear to with what is in the messages database, and says everything that is wrong.

It reads the SQLite file by itself: it must not believe the code that it judges. It knows no process and no socket.

    judge(data_dir, {server_id: [ledger, ...]})     # raises AssertionError with every fault that it found
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.ledger import Ledger, Send

SHOWN = 5  # examples of each fault
IN, OUT = 0, 1
SUMS = (  # counter, its stored part, its lost part
    ("received", "stored", "dropped"),
    ("bytes_in", "stored_bytes", "dropped_bytes"),
    ("sent", "sent_stored", "sent_dropped"),
    ("bytes_out", "sent_stored_bytes", "sent_dropped_bytes"),
)

Rows = list[tuple[int, int, bytes, int]]  # seq, direction, data, connection


@dataclass(frozen=True)
class Verdict:
    """What was found, for one server."""

    messages: int
    answered: int
    faults: tuple[str, ...]


def judge(data_dir: Path, ledgers: Mapping[int, Iterable[Ledger]]) -> list[Verdict]:
    """The verdicts, when there is no fault in any."""
    with closing(_opened(data_dir)) as database:
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
        assert sound == "ok", sound
        verdicts = [verdict(database, server, list(books)) for server, books in ledgers.items()]
    faults = [fault for each in verdicts for fault in each.faults]
    assert not faults, "\n".join(faults)
    return verdicts


def verdict(database: sqlite3.Connection, server: int, ledgers: list[Ledger]) -> Verdict:
    """One server's rows against the ledgers of its clients."""
    rows: Rows = database.execute(
        "SELECT seq, direction, data, connection FROM services_message WHERE server_id = ? ORDER BY seq", (server,)
    ).fetchall()
    stored = [bytes(data) for _, direction, data, _ in rows if direction == IN]
    sent = {send.data for ledger in ledgers for send in ledger.sent}
    answered = {send for ledger in ledgers for send in ledger.answers}
    faults = [
        *_complaint("lost although answered", answered - {Send.read(data) for data in set(stored)}),
        *_complaint("stored twice", (data for data, times in Counter(stored).items() if times > 1)),
        *_complaint("stored and never sent", set(stored) - sent - torn(rows, sent)),
        *_complaint("missing in the sequence", set(range(1, len(rows) + 1)) - {row[0] for row in rows}),
        *_counters(database, server, rows),
        *_history(database, server),
    ]
    return Verdict(len(rows), len(answered), tuple(f"server {server}: {fault}" for fault in faults))


def torn(rows: Rows, sent: set[bytes]) -> set[bytes]:
    """Beginnings of what was sent that are the last thing that came over their connection: it was cut."""
    last = {connection: bytes(data) for _, direction, data, connection in rows if direction == IN}
    return {data for data in last.values() if data not in sent and any(each.startswith(data) for each in sent)}


def _history(database: sqlite3.Connection, server: int) -> list[str]:
    """What is told of the past after everything has ended: whole, and without contradictions."""
    claims = {
        "runs that never ended": "SELECT number FROM services_run WHERE server_id = ? AND ended_at IS NULL",
        "connections that never ended": "SELECT number FROM services_connection WHERE server_id = ? AND closed_at IS NULL",
        "messages of an unknown connection": "SELECT seq FROM services_message m WHERE server_id = ? AND NOT EXISTS "
        "(SELECT 1 FROM services_connection c WHERE c.server_id = m.server_id AND c.number = m.connection)",
        "messages of an unknown run": "SELECT seq FROM services_message m WHERE server_id = ? AND NOT EXISTS "
        "(SELECT 1 FROM services_run r WHERE r.server_id = m.server_id AND r.number = m.run)",
        "states that do not follow from the one before": "SELECT id FROM (SELECT id, old, lag(new) OVER (ORDER BY id) "
        "AS before FROM services_statechange WHERE server_id = ?) WHERE old != before",
    }
    return [
        fault
        for words, question in claims.items()
        for fault in _complaint(words, (row[0] for row in database.execute(question, (server,))))
    ]


def _opened(data_dir: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{data_dir / 'messages.sqlite3'}?mode=ro", uri=True)


def _complaint(words: str, found: Iterable[object]) -> list[str]:
    every = list(found)
    return [f"{len(every)} {words}, such as {every[:SHOWN]}"] if every else []


def _counters(database: sqlite3.Connection, server: int, rows: Rows) -> list[str]:
    """The books against themselves, and against the rows. Clients of these tests never wear down the retention."""
    database.row_factory = sqlite3.Row
    books = database.execute("SELECT * FROM services_counters WHERE server_id = ?", (server,)).fetchone()
    database.row_factory = None
    if books is None:
        return [] if not rows else ["it has rows and no books"]
    faults = []
    for whole, stored, lost in SUMS:
        parts = json.loads(books[lost])
        if books[whole] != books[stored] + sum(parts.values()):
            faults.append(f"{whole} {books[whole]} is not {stored} {books[stored]} and {lost} {parts}")
    counted = [sum(row[1] == wanted for row in rows) for wanted in (IN, OUT)]
    if counted != [books["stored"], books["sent_stored"]] or books["last_seq"] != len(rows):
        faults.append(f"the books say {dict(books)}, and there are {counted} rows in and out")
    return faults
