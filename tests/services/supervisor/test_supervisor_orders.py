"""Orders to running servers, with real processes that play scripts."""

import asyncio
import os
import signal

import msgspec
import pytest

from services.errors import NotRunning, SendRefused
from services.servers import report


async def test_an_order_is_answered_by_the_worker(supervise, wanted, journal, until):
    supervisor = supervise()
    await supervisor.reconcile([wanted("ready; done")])
    await until(journal.reached("RUNNING"))
    assert await supervisor.send(1, report.Send(action=5, data=b"hi")) == report.Done(action=5, count=1)
    assert (await supervisor.send(1, report.Close(action=6, connection=1))).action == 6


async def test_an_order_to_what_does_not_run_is_refused(supervise, wanted):
    supervisor = supervise()
    with pytest.raises(NotRunning, match="The server is STOPPED: start it, then ask again"):
        await supervisor.send(1, report.Close(action=1, connection=1))
    await supervisor.reconcile([wanted("wait")])
    with pytest.raises(NotRunning, match="The server is STARTING: wait until it is RUNNING, then ask again"):
        await supervisor.send(1, report.Close(action=1, connection=1))


async def test_an_order_that_is_not_answered_has_a_deadline(supervise, wanted, journal, until, quick):
    supervisor = supervise(timings=msgspec.structs.replace(quick, answer=0.05))
    await supervisor.reconcile([wanted("ready; wait")])
    await until(journal.reached("RUNNING"))
    with pytest.raises(SendRefused, match=r"did not answer within 0\.05 s"):
        await supervisor.send(1, report.Close(action=1, connection=1))


async def test_an_order_ends_with_the_worker_it_was_given_to(supervise, wanted, journal, until):
    supervisor = supervise()
    await supervisor.reconcile([wanted("ready; wait")])
    await until(journal.reached("RUNNING"))
    asked = asyncio.create_task(supervisor.send(1, report.Close(action=1, connection=1)), name="asked")
    await asyncio.sleep(0)
    os.kill(journal.started[0].pid, signal.SIGKILL)
    with pytest.raises(NotRunning, match="stopped before it answered"):
        await asyncio.wait_for(asked, 20)
