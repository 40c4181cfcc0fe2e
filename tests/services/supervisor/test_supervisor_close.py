"""The end of a supervisor, and what must not pile up before: real processes that play scripts."""

import asyncio
import os
import socket
import subprocess
import sys

from services.supervisor.process import process_start
from services.supervisor.states import State
from services.supervisor.timings import Timings

# A supervisor that closes while somebody who escaped from a worker still runs; tells the pid
CLOSES = """
import asyncio
from services.supervisor import strays
from services.supervisor.nursery import Nursery
from services.supervisor.supervisor import COMMAND, Supervisor
from tests.services.supervisor.test_strays import STAYS, escaped

async def main():
    nursery = Nursery(COMMAND)
    supervisor = Supervisor(None, nursery=nursery)
    print(escaped(STAYS))
    await supervisor.close()
    assert nursery.pid is None

strays.LAST_LEAVE = 0.1
asyncio.run(main())
"""


def is_free(port):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", port))
    return True


async def test_closing_stops_everything_and_starts_nothing_more(supervise, wanted, journal, until):
    supervisor = supervise()
    servers = [wanted(id=1), wanted("exit 1", id=2), wanted("wait", id=3), wanted(id=4, running=False)]
    await supervisor.reconcile(servers)
    await until(journal.reached("RUNNING"))
    await supervisor.close()
    await supervisor.reconcile(servers)
    assert [supervisor.state(number) for number in (1, 2, 3, 4)] == [State.STOPPED] * 4
    assert all(process_start(started.pid) is None for started in journal.started)
    assert all(is_free(server.spec.port) for server in servers)


async def test_closing_twice_or_with_nothing_to_close_returns_at_once(supervise):
    supervisor = supervise()
    await asyncio.wait_for(asyncio.gather(supervisor.close(), supervisor.close()), 5)


def test_closing_leaves_nobody_who_escaped_from_a_worker():
    run = subprocess.run([sys.executable, "-c", CLOSES], capture_output=True, text=True, timeout=30)
    assert process_start(int(run.stdout)) is None
    assert run.stderr == ""


async def test_many_runs_leave_no_descriptor_and_no_zombie(supervise, wanted, journal, until):
    supervisor, server = (
        supervise(timings=Timings(first_delay=0, longest_delay=0, starts=1000, starts_in_all=1000)),
        wanted("exit 1"),
    )
    await supervisor.reconcile([server])
    await until(lambda: len(journal.ended) >= 5)
    before = len(os.listdir("/proc/self/fd"))
    await until(lambda: len(journal.ended) >= 25, seconds=60)
    await supervisor.reconcile([])
    await until(lambda: not supervisor._keepers)
    assert len(os.listdir("/proc/self/fd")) <= before
    assert all(process_start(started.pid) is None for started in journal.started)


async def test_a_wanted_set_of_a_hundred_servers_that_says_nothing_new_moves_nothing(supervise, wanted, journal):
    supervisor = supervise()
    servers = [wanted(id=number, running=False, port=20_000 + number) for number in range(100)]
    for _ in range(3):
        await supervisor.reconcile(servers)
    assert (len(journal.heeds), journal.moves) == (100, [])
