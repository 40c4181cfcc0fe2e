"""What a remote-command server must know reaches its worker, and what may not run is stopped, replayed with fakes."""

from services.servers.report import Briefing, CommandBegun, CommandEnded, Key, KeyUsed
from services.supervisor import reasons
from services.supervisor.states import State

OFF = "Remote commands are off."
BEGUN = CommandBegun(1, 1, 1, "lab", b"k" * 32, "ada", "::1", "uname", ("uname",))


def briefing(*names: str) -> Briefing:
    return Briefing(identity=b"i" * 32, keys=tuple(Key(public=name.encode(), name=name) for name in names))


def test_a_worker_starts_with_its_briefing(house):
    house.running(briefing=briefing("lab"))
    assert house.worker.launch.briefing == briefing("lab")


def test_a_changed_briefing_is_told_to_the_worker_that_runs(house):
    keeper = house.running(briefing=briefing("lab"))
    keeper.heed(house.wanted(briefing=briefing("lab", "desk")))
    assert (keeper.state, house.worker.briefings) == (State.RUNNING, [briefing("lab", "desk")])
    assert house.worker.terminated == 0


def test_the_same_briefing_is_told_once(house):
    keeper = house.running(briefing=briefing("lab"))
    for notes in (1, 2, 3):
        keeper.heed(house.wanted(briefing=briefing("desk"), asked_by=f"alice {notes}"))
    assert house.worker.briefings == [briefing("desk")]


def test_a_worker_on_its_way_is_told_too(house):
    keeper = house.keeper(briefing=briefing("lab"))
    keeper.heed(house.wanted(briefing=briefing("desk")))
    assert (keeper.state, house.worker.briefings) == (State.STARTING, [briefing("desk")])


def test_a_briefing_that_changes_before_the_spawn_is_the_one_it_starts_with(house):
    house.opens_later = []
    keeper = house.keeper(briefing=briefing("lab"))
    keeper.heed(house.wanted(briefing=briefing("desk")))
    house.opens_later.pop()()
    assert house.worker.launch.briefing == briefing("desk")
    assert house.worker.briefings == []


def test_a_restarted_worker_starts_with_what_was_told_last(house):
    keeper = house.running(briefing=briefing("lab"))
    keeper.heed(house.wanted(briefing=briefing("desk")))
    house.clock.advance(10)
    house.worker.end(signal=9)
    house.clock.advance(1)
    assert house.worker.launch.briefing == briefing("desk")


def test_a_worker_that_does_not_take_its_new_keys_is_killed(house):
    keeper = house.running(briefing=briefing("lab"))
    house.worker.is_deaf = True
    keeper.heed(house.wanted(briefing=briefing()))
    assert house.worker.killed[0].startswith("The worker did not take its new keys and was killed.")


def test_a_stale_look_does_not_take_the_briefing_away(house, spec):
    keeper = house.running(spec=spec(text="old"), briefing=briefing("lab"), revision=2)
    keeper.heed(house.wanted(spec=spec(text="older"), briefing=None, revision=1))
    assert keeper.wanted.briefing == briefing("lab")


def test_what_may_not_run_is_stopped_and_says_why_until_it_rests(house):
    keeper = house.running()
    keeper.heed(house.wanted(running=False, barred=OFF))
    house.worker.end(code=0)
    assert keeper.state is State.STOPPED
    assert [(moved.new.value, moved.reason, moved.who) for moved in house.journal.moves[-2:]] == [
        ("STOPPING", OFF, ""),
        ("STOPPED", OFF, ""),
    ]


def test_what_may_not_run_gets_less_time_to_stop(house, timings):
    keeper = house.running()
    keeper.heed(house.wanted(running=False, barred=OFF))
    house.clock.advance(timings.barred - 0.1)
    assert house.worker.killed == []
    house.clock.advance(0.2)
    assert house.worker.killed == ["The worker did not stop within 2.5 s and was killed."]


def test_a_stop_that_is_under_way_is_hurried_too(house, timings):
    keeper = house.running()
    keeper.heed(house.wanted(running=False))
    keeper.heed(house.wanted(running=False, barred=OFF))
    house.clock.advance(timings.barred + 0.1)
    assert len(house.worker.killed) == 1


def test_what_may_run_again_does(house):
    keeper = house.running()
    keeper.heed(house.wanted(running=False, barred=OFF))
    house.worker.end(code=0)
    keeper.heed(house.wanted())
    assert (keeper.state, house.journal.moves[-1].reason) == (State.STARTING, reasons.ALLOWED)


def test_what_may_not_run_is_not_started_however_often_it_is_asked_for(house):
    keeper = house.keeper(running=False, barred=OFF)
    keeper.heed(house.wanted(running=False, barred=OFF, asked=2))
    assert (keeper.state, house.workers, house.journal.moves) == (State.STOPPED, [], [])
    assert house.journal.heeds[-1].asked == 2


def test_commands_and_keys_are_told_with_the_number_of_the_run(house):
    house.running()
    house.worker.listener.command_begun(BEGUN, lambda: None)
    house.worker.listener.command_ended(CommandEnded(ask=1, at=2))
    house.worker.listener.key_used(KeyUsed(b"k" * 32, 3, "::1"))
    begun, ended = house.journal.begun[0][0], house.journal.command_ends[0]
    assert (begun.server, begun.run, begun.told) == (1, 1, BEGUN)
    assert (ended.server, ended.run, ended.told.ask) == (1, 1, 1)
    assert house.journal.used[0][0] == 1
