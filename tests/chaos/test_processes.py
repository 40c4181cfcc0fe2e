"""What the supervisor promises about processes, shown on a whole panel whose real workers misbehave."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.chaos.tamed import Tamed
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)


def answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(b"hello\n")
        return sock.recv(100) == b"hello\n"


def cpu(process: psutil.Process) -> float:
    """Seconds of a core that it has used, without its children."""
    times = process.cpu_times()
    return float(times.user + times.system)


def test_nobody_survives_a_stop_neither_deaf_nor_frozen_nor_escaped(tamed: Tamed):
    """One worker ignores SIGTERM, one is frozen, one has left a process in a session of its own, which no group's signal reaches."""
    workers = {name: psutil.Process(tamed.serve_with_pid(name)) for name in ("deaf", "frozen", "leaky")}
    workers["frozen"].suspend()
    tamed.tell(workers["deaf"].pid, "deaf")
    tamed.tell(workers["leaky"].pid, "escape")
    tamed.noted("deaf")
    escaped = psutil.Process(int(tamed.noted("escaped")))
    assert os.getsid(escaped.pid) != os.getsid(workers["leaky"].pid)
    begun = time.monotonic()
    with ThreadPoolExecutor(3) as threads:
        stopped = list(threads.map(lambda name: tamed.ask("POST", f"/servers/{name}/stop")["state"], workers))
    assert stopped == ["STOPPED"] * 3
    assert time.monotonic() - begun < 13
    assert psutil.wait_procs([*workers.values(), escaped], timeout=5)[1] == []


def test_a_frozen_worker_and_one_in_an_endless_loop_serve_again_within_twenty_seconds(tamed: Tamed):
    before = {name: tamed.serve_with_pid(name) for name in ("frozen", "looping")}
    begun = time.monotonic()
    os.kill(before["frozen"], signal.SIGSTOP)
    tamed.tell(before["looping"], "spin")
    for name, pid in before.items():
        tamed.until(name, lambda seen, pid=pid: seen["state"] == "RUNNING" and seen["pid"] != pid)
    assert all(answers(served.port) for served in tamed.servers.values())
    assert time.monotonic() - begun < 20
    assert "The worker said nothing for 15 s and was killed." in str(tamed.ask("GET", "/servers/frozen/changes"))


def test_fifty_workers_that_die_at_once_cost_little_and_leave_the_panel_usable(tamed: Tamed):
    """No more than twenty automatic starts in ten seconds, all servers together; less than a tenth of a core."""
    names = [tamed.serve(f"doomed-{number}", "tcp").name for number in range(50)]
    workers = [psutil.Process(tamed.pid(name)) for name in names]
    eventually(lambda: time.time() - workers[-1].create_time() > 2.5)
    (tamed.chaos / "doomed").touch()
    for worker in workers:
        worker.kill()
    supervisor = tamed.supervisor
    eventually(lambda: len(tamed.starts()) >= 100)
    spent, begun, slowest = cpu(supervisor), time.monotonic(), 0.0
    while (now := time.monotonic()) < begun + 9:
        assert tamed.panel.visitor().get("/healthz").status == 200
        tamed.look(names[7])
        slowest = max(slowest, time.monotonic() - now)
    counted = tamed.starts(since_run=3)  # the first was asked for, the second came after a steady life
    assert 10 < busiest(counted, seconds=10) <= 20 + 4  # and those that stood at the gate, four at a time
    assert (cpu(supervisor) - spent) / (time.monotonic() - begun) < 0.1
    assert slowest < 5


def busiest(starts: list[float], seconds: float) -> int:
    """The most starts within so many seconds."""
    return max(sum(begun <= start < begun + seconds for start in starts) for begun in starts)


def test_a_worker_that_floods_stderr_is_not_blocked_and_costs_the_supervisor_little(tamed: Tamed):
    supervisor, pid = tamed.supervisor, tamed.serve_with_pid("echo")
    spent, begun = cpu(supervisor), time.monotonic()
    tamed.tell(pid, "flood")
    longest, rate = map(float, tamed.noted("flooded", 30).split())
    assert longest < 1.0
    assert rate > 10_000_000, "no flood"
    assert (cpu(supervisor) - spent) / (time.monotonic() - begun) < 0.5
    assert answers(tamed.servers["echo"].port)
    assert supervisor.memory_info().rss < 200 * 1024 * 1024
    assert sum(file.stat().st_size for file in tamed.panel.data_dir.rglob("*") if file.is_file()) < 100 * 1024 * 1024
