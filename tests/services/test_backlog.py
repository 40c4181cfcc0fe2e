"""While there is no room messages wait in their order, and everything else goes on."""

from services.backlog import Backlog
from services.batches import StoreBatch
from services.execution_jobs import BeginCommand, EndCommand
from services.jobs import EndRun, Job, Live
from services.supervisor.events import RunEnded
from tests.services.recording import batch

ALL = {"rows": 1000, "size": 1 << 30}


def stores(number: int, server: int = 7, *data: bytes) -> StoreBatch:
    return StoreBatch(server, 1, batch(number, *(data or (b"x",))), lambda _: None)


def ends(server: int = 7) -> EndRun:
    return EndRun(RunEnded(server=server, run=1, at=1, exit_code=0, signal=None, stderr=""))


def filled(*jobs: Job) -> Backlog:
    backlog = Backlog()
    for job in jobs:
        backlog.put(job)
    return backlog


def test_jobs_come_in_the_order_they_were_put():
    jobs = [stores(1), Live("local", 1, 1, ""), stores(2), ends()]
    assert filled(*jobs).take(True, **ALL) == jobs


def test_a_group_ends_with_the_job_that_fills_it():
    backlog = filled(stores(1, 7, b"a", b"b"), stores(2), stores(3))
    assert len(backlog.take(True, rows=2, size=1 << 30)) == 1
    assert len(backlog.take(True, rows=100, size=1)) == 1
    assert len(backlog.take(True, **ALL)) == 1


def test_held_messages_let_signs_of_life_pass_and_come_first_afterwards():
    first, life, second = stores(1), Live("local", 1, 1, ""), stores(2)
    backlog = filled(first, life, second)
    assert backlog.take(False, **ALL) == [life]
    assert backlog.take(False, **ALL) == []
    third = stores(3)
    backlog.put(third)
    assert backlog.take(True, **ALL) == [first, second, third]


def test_the_end_of_a_run_waits_behind_its_messages_and_for_nobody_elses():
    mine, others = ends(7), ends(8)
    backlog = filled(stores(1, 7), mine, others)
    assert backlog.take(False, **ALL) == [others]
    assert backlog.held_servers == {7}
    assert backlog.take(True, **ALL)[1:] == [mine]


def test_what_the_disk_refused_comes_first_once_messages_may_be_stored():
    jobs = [stores(1), stores(2), stores(3)]
    backlog = filled(*jobs)
    group = backlog.take(True, rows=2, size=1 << 30)
    backlog.hold(group)
    assert backlog.take(False, **ALL) == []
    assert backlog.take(True, **ALL) == jobs


def test_the_end_of_a_run_that_the_disk_refused_is_not_tried_again_at_once():
    backlog = filled(refused := ends(7))
    backlog.hold(backlog.take(False, **ALL))
    assert backlog.take(False, **ALL) == []
    assert not backlog
    assert backlog.take(True, **ALL) == [refused]


def test_commands_wait_because_none_may_run_unrecorded():
    assert BeginCommand.waits
    assert EndCommand.waits
