"""Acknowledged means on the disk: what a crash or a power cut leaves holds every message that was answered."""

import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from services.jobs import Job
from tests.ports import free_port
from tests.services.recording import recording
from tests.services.stored import Stored, is_whole, long_form, query
from tests.sockpanel.panel import Panel
from tests.waiting import eventually, eventually_async

PROMISED = {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2, "foreign_keys": 1, "wal_autocheckpoint": 4000}
STRACE = shutil.which("strace")


def pragmas(alias: str) -> dict[str, object]:
    with connections[alias].cursor() as cursor:
        return {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in PROMISED}


class Look(Job):
    """Reads the settings of the connection that the recorder writes with."""

    found: dict[str, object] | None = None

    def write(self, books: object) -> None:
        self.found = pragmas("messages")


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
async def test_the_recorder_writes_in_the_power_safe_mode():
    """Checked where it counts, in its own thread and transaction (where SQLite tells foreign_keys as they are)."""
    look = Look(0)
    async with recording() as it:
        it.recorder.put(look)
        await eventually_async(lambda: look.found)
    assert look.found == PROMISED


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
@pytest.mark.parametrize("alias", ["default", "messages"])
async def test_so_does_the_panel(alias):
    assert await sync_to_async(pragmas)(alias) == PROMISED


@pytest.fixture
def panel() -> Iterator[Panel]:
    made = Panel("supervise", admin=False)
    made.start(ready=False)
    stored = Stored(made.data_dir, made.environment)
    eventually(lambda: stored.manage("servers", "list").returncode == 0, within=30)
    yield made
    made.end()


def serve(panel: Panel) -> int:
    """A TCP server that answers each line after the commit; its port."""
    port, lines = free_port(), ("--set", "framing.type=line", "--set", "retention.rows=1000000")
    words = ("--preset", "echo", "--port", str(port), *lines, "--set", "limits.reply_after_commit=true", "--start")
    done = panel.manage("servers", "add", "lab", *words)
    assert done.returncode == 0, done.stderr
    return port


class Asker:
    """A client that sends a line only when the one before was answered."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._answers = self._socket.makefile("rb")

    def ask(self, line: bytes) -> None:
        self._socket.sendall(line + b"\n")
        assert self._answers.readline() == line + b"\n"

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_the_log_is_on_the_disk_before_a_batch_is_acknowledged(panel: Panel, tmp_path: Path):
    """Seen from the kernel: write to the log, fdatasync of it, and only then the word to the worker."""
    port, trace = serve(panel), tmp_path / "trace"
    with traced(panel.process.pid, trace):
        asker = Asker(port)
        for number in range(20):
            asker.ask(b"line %d" % number)
        asker.close()
    acknowledged = synced = synced_before = 0
    last = ""
    for event in events(trace):
        if event == "sync":
            synced += 1
        elif event == "told":
            acknowledged += 1
            if last != "told":  # one transaction may hold several batches, and the next one may be under way
                assert synced > synced_before, "acknowledged while the log was not on the disk"
                synced_before = synced
        last = event
    assert acknowledged >= 20


class traced:
    """Follows the system calls of a process and its threads."""

    def __init__(self, pid: int, trace: Path) -> None:
        calls = "trace=pwrite64,write,sendto,sendmsg,fdatasync,fsync"
        self._command = [str(STRACE), "-f", "-yy", "-x", "-s", "64", "-e", calls, "-o", str(trace), "-p", str(pid)]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr
        first = self._process.stderr.readline()
        if "attached" not in first:
            self._process.wait(10)
            pytest.skip(f"strace may not look here: {first.strip()}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)


def events(trace: Path) -> Iterator[str]:
    """What matters, in its order: "write" to the log, "sync" of it done, "told" to a worker that it is stored."""
    syncing: set[str] = set()
    for line in trace.read_text(errors="replace").splitlines():
        thread = line.split()[0]
        log = "messages.sqlite3-wal" in line
        if log and re.search(r"\b(pwrite64|write)\(", line):
            yield "write"
        elif log and re.search(r"\bf(data)?sync\(", line):
            if "unfinished" in line:
                syncing.add(thread)
            else:
                yield "sync"
        elif "sync resumed>" in line and thread in syncing:
            syncing.discard(thread)
            yield "sync"
        elif re.search(r"\b(sendto|sendmsg|write)\(\d+<UNIX", line) and "\\x92\\x10" in line:  # report.Stored
            yield "told"


def test_what_a_crash_leaves_at_any_moment_holds_all_that_was_answered(panel: Panel, tmp_path: Path):
    """Copies of database and log, taken while everything is held still in the middle of its work."""
    port, answered, stop = serve(panel), [0] * 5, threading.Event()
    askers = [threading.Thread(target=keep_asking, args=(port, which, answered, stop)) for which in range(5)]
    for thread in askers:
        thread.start()
    try:
        for number in range(200 if long_form() else 20):
            before = sum(answered)
            eventually(lambda before=before: sum(answered) > before + 3)
            held = frozen(panel)
            safe = list(answered)
            copies = tmp_path / str(number)
            copies.mkdir()
            for path in panel.data_dir.glob("messages.sqlite3*"):
                shutil.copyfile(path, copies / path.name)
            for process in held:
                process.resume()
            lines = {bytes(row[0]) for row in query(copies / "messages.sqlite3", "SELECT data FROM services_message")}
            expected = {b"%d:%d" % (which, count) for which, last in enumerate(safe) for count in range(1, last + 1)}
            assert expected - lines == set()
            assert is_whole(copies / "messages.sqlite3")
            shutil.rmtree(copies)
    finally:
        stop.set()
        for thread in askers:
            thread.join(30)


def frozen(panel: Panel) -> list[psutil.Process]:
    """The supervisor, in the middle of whatever it does."""
    process = psutil.Process(panel.process.pid)
    process.suspend()
    eventually(lambda: process.status() == psutil.STATUS_STOPPED)
    return [process]


def keep_asking(port: int, which: int, answered: list[int], stop: threading.Event) -> None:
    asker = Asker(port)
    while not stop.is_set():
        asker.ask(b"%d:%d" % (which, answered[which] + 1))
        answered[which] += 1
    asker.close()
