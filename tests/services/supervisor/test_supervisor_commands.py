"""Commands between a worker and its observer, with real processes that play scripts."""

import msgspec

from services.servers.report import Briefing, Key


def briefing(name: str) -> Briefing:
    return Briefing(identity=b"i" * 32, keys=(Key(public=b"k" * 32, name=name),))


async def test_a_command_runs_once_it_is_written_down_and_not_before(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("ready; begin 1; recorded; ended 1; used; wait")])
    await until(lambda: journal.begun)
    assert journal.command_ends == []
    journal.begun[0][1]()
    await until(lambda: journal.used)
    assert [ended.told.ask for ended in journal.command_ends] == [1]


async def test_what_is_written_down_after_the_worker_ended_does_no_harm(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("ready; begin 1; exit 3", restart="never")])
    await until(lambda: journal.ended)
    journal.begun[0][1]()


async def test_what_a_worker_said_of_commands_is_told_before_its_end(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("ready; begin 1; begin 2; exit 3", restart="never")])
    await until(lambda: journal.ended)
    assert [begun.told.ask for begun, _ in journal.begun] == [1, 2]


async def test_a_worker_that_counts_wrongly_is_killed(supervise, wanted, journal, until):
    await supervise().reconcile([wanted("ready; begin 2; begin 2; wait", restart="never")])
    await until(journal.reached("EXITED"))
    assert "broke the protocol of its link and was killed. Command 2 came after command 2." in journal.moves[-1].reason
    assert len(journal.begun) == 1


async def test_a_running_worker_hears_of_changed_keys_without_a_restart(supervise, wanted, journal, until):
    supervisor = supervise()
    server = wanted("ready; briefed; batch; wait", briefing=briefing("lab"))
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    await supervisor.reconcile([msgspec.structs.replace(server, briefing=briefing("desk"))])
    await until(lambda: journal.batches)
    await supervisor.close()
    assert journal.ended[0].stderr.strip() == "briefed desk"
    assert len(journal.started) == 1
