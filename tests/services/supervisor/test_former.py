"""The workers of a supervisor that died are ended, and nobody else."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from services.supervisor.former import end_former
from services.supervisor.process import process_start


@pytest.fixture
def sleeper():
    """A process that sleeps, in a group of its own."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as process:
        yield process
        process.kill()


async def test_a_worker_that_leaves_by_itself_is_waited_for(sleeper):
    former = [(sleeper.pid, process_start(sleeper.pid))]
    asyncio.get_running_loop().call_later(0.1, sleeper.terminate)
    assert await end_former(former, timeout=20) == []
    assert sleeper.wait() == -signal.SIGTERM


async def test_a_worker_that_stays_is_killed_even_when_it_is_frozen(sleeper):
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert await end_former([(sleeper.pid, process_start(sleeper.pid))], timeout=0.05) == [sleeper.pid]
    assert sleeper.wait() == -signal.SIGKILL


async def test_an_innocent_process_with_the_pid_of_a_former_worker_survives(sleeper):
    assert await end_former([(sleeper.pid, process_start(sleeper.pid) - 1)], timeout=0.05) == []
    assert sleeper.poll() is None


async def test_what_is_long_gone_costs_no_time():
    before = time.monotonic()
    assert await end_former([(2**22 + 1, 1), (2**22 + 2, 2)], timeout=20) == []
    assert time.monotonic() - before < 5


async def test_no_descriptor_stays(sleeper):
    before = os.listdir("/proc/self/fd")
    await end_former([(sleeper.pid, process_start(sleeper.pid))], timeout=0.05)
    assert os.listdir("/proc/self/fd") == before
