"""What holds for a supervisor as a process: it ends cleanly, comes back fast, leaks nothing, and never hits a bystander."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from services.supervisor.process import process_start
from tests.chaos.blows import LONG
from tests.chaos.driver import has_ended, queued
from tests.chaos.tamed import Tamed
from tests.sockpanel.panel import Panel
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(1800 if LONG else 240)
CYCLES = 1000 if LONG else 40
CONNECTIONS = 10_000 if LONG else 2_000
RESTARTS = 100 if LONG else 15
KNOCKING = 60.0 if LONG else 6.0  # seconds
MIB = 1024 * 1024


def in_use(process: psutil.Process) -> tuple[int, int, float]:
    """Descriptors, threads, MiB of its own memory."""
    return process.num_fds(), process.num_threads(), process.memory_full_info().uss / MIB


def zombies(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if child.status() == psutil.STATUS_ZOMBIE]


def test_many_starts_and_stops_leave_no_zombie_no_descriptor_no_thread_and_no_memory(tamed: Tamed):
    supervisor = tamed.supervisor
    tamed.serve("echo", "tcp")

    def cycle(times: int) -> None:
        for _ in range(times):
            assert tamed.ask("POST", "/servers/echo/stop")["state"] == "STOPPED"
            assert tamed.ask("POST", "/servers/echo/start")["state"] == "RUNNING"

    cycle(10)  # what is opened once and kept
    descriptors, threads, memory = in_use(supervisor)
    cycle(CYCLES)
    eventually(lambda: in_use(supervisor)[0] <= descriptors + 2)
    assert in_use(supervisor)[1] == threads
    assert in_use(supervisor)[2] < memory + 10
    eventually(lambda: not zombies(supervisor))


def test_many_connections_leave_no_descriptor_and_no_memory_neither_in_the_worker_nor_in_the_supervisor(tamed: Tamed):
    pid = tamed.serve_with_pid("echo", limits={"reply_after_commit": False})
    processes = [psutil.Process(pid), tamed.supervisor]

    def visit(times: int) -> None:
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", tamed.servers["echo"].port), timeout=5) as sock:
                sock.sendall(b"hello\n")
                assert sock.recv(100) == b"hello\n"

    visit(500)
    before = [in_use(process) for process in processes]
    visit(CONNECTIONS)
    for process, (descriptors, threads, memory) in zip(processes, before, strict=True):
        eventually(lambda process=process, most=descriptors + 2: in_use(process)[0] <= most)
        assert in_use(process)[1] == threads
        assert in_use(process)[2] < memory + 10


def test_a_restart_under_load_succeeds_every_time(tamed: Tamed):
    """The port's closed connections are in TIME_WAIT, and others are open and talking."""
    served = tamed.serve("echo", "tcp")
    for _ in range(RESTARTS):
        held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(10)]
        for sock in held:
            sock.sendall(b"hello\n")
            assert sock.recv(100) == b"hello\n"
        assert tamed.ask("POST", "/servers/echo/restart")["state"] == "RUNNING"
        for sock in held:
            sock.close()
    assert tamed.ask("GET", "/servers/echo/runs")["runs"][0]["number"] == RESTARTS + 1


def test_two_hundred_connects_a_second_are_never_refused_while_the_worker_is_killed_every_other_second(tamed: Tamed):
    served, knocks = tamed.serve("echo", "tcp"), 0
    begun = killed = time.monotonic()
    while (now := time.monotonic()) < begun + KNOCKING:
        if now - killed > 2.2:  # steady: started again at once
            killed = now
            os.kill(tamed.pid("echo"), signal.SIGKILL)
        with socket.socket() as sock:
            sock.settimeout(5)
            assert sock.connect_ex(("127.0.0.1", served.port)) == 0
        knocks += 1
        time.sleep(max(0.0, begun + knocks / 200 - time.monotonic()))
    assert knocks > 150 * KNOCKING


def test_a_second_supervisor_leaves_with_75_and_has_touched_nothing(tamed: Tamed):
    pid = tamed.serve_with_pid("echo")
    before = files(tamed.panel.data_dir)
    done = tamed.panel.manage("supervise")
    assert done.returncode == os.EX_TEMPFAIL
    assert f"pid {tamed.supervisor.pid}" in done.stderr
    assert files(tamed.panel.data_dir) == before
    assert tamed.pid("echo") == pid


def files(folder: Path) -> dict[str, int]:
    """Every file with its inode; what SQLite and the databases' locks do is their own business."""
    return {str(file.relative_to(folder)): file.stat().st_ino for file in folder.rglob("*")}


def test_a_killed_supervisor_is_back_within_three_seconds_although_one_of_its_workers_is_frozen(tamed: Tamed):
    worker = psutil.Process(tamed.serve_with_pid("frozen"))
    served = tamed.serve("echo", "tcp")
    worker.suspend()
    supervisor = tamed.supervisor
    eventually(lambda: time.time() - supervisor.create_time() > 3.5)
    begun = time.monotonic()
    supervisor.kill()
    for each in (served, tamed.servers["frozen"]):
        asyncio.run(each.probe.answered())
    took = time.monotonic() - begun
    assert took - queued(tamed.supervisor) < 3.0
    assert has_ended(worker)


def test_a_bystander_whose_pid_stands_in_the_books_is_not_killed(tamed: Tamed):
    """The books of a dead supervisor name a worker's pid that belongs to somebody else by now: the start time tells."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True
    ) as bystander:
        try:
            tamed.serve("echo", "tcp")
            supervisor = tamed.supervisor
            supervisor.suspend()
            forge(tamed.panel, bystander.pid)
            supervisor.kill()
            eventually(lambda: tamed.supervisor.pid != supervisor.pid and tamed.is_supervised())
            tamed.until("echo", lambda seen: seen["state"] == "RUNNING")
            assert bystander.poll() is None
        finally:
            bystander.kill()


def forge(panel: Panel, pid: int) -> None:
    """Put somebody else's pid into the row of the run that has not ended, with another start time."""
    with closing(sqlite3.connect(panel.data_dir / "messages.sqlite3", timeout=10)) as database, database:
        changed = database.execute("UPDATE services_run SET pid = ?, process_start = 1 WHERE ended_at IS NULL", (pid,))
        assert changed.rowcount == 1
    assert process_start(pid) != 1
