"""Histories of one server, replayed with a clock that stands still until told and a worker that does as told."""

import pytest

from services.errors import AddressInUse, StoreBusy
from services.servers.report import Batch
from services.supervisor.states import State


def running(house, **words):
    keeper = house.keeper(**words)
    house.worker.ready()
    return keeper


def crash(house, after=0.0, **end):
    """The worker gets ready, lives for a while and dies."""
    house.worker.ready()
    house.clock.advance(after)
    house.worker.end(**(end or {"code": 1}))


# Starting


def test_a_worker_that_lives_is_not_yet_one_that_serves(house):
    keeper = house.keeper()
    assert keeper.state is State.STARTING
    house.worker.ready()
    assert keeper.state is State.RUNNING


def test_a_start_carries_who_asked_and_what_was_heeded(house):
    house.keeper(asked=7, asked_by="alice", revision=3)
    moved = house.journal.moves[0]
    assert (moved.old, moved.new, moved.who, moved.asked, moved.revision) == ("STOPPED", "STARTING", "alice", 7, 3)


def test_running_tells_the_pid_the_run_and_the_address(house):
    running(house)
    moved = house.journal.moves[-1]
    assert (moved.pid, moved.run, moved.address) == (house.worker.pid, 1, "127.0.0.1:9000")


def test_a_worker_goes_on_where_the_numbers_stand(house):
    house.keeper()
    assert (house.worker.launch.next_connection, house.worker.launch.peers) == (11, {"127.0.0.1:5000": 3})


def test_each_worker_is_a_run_of_its_own(house):
    running(house)
    house.worker.end(code=1)
    house.clock.advance(1)
    assert [(run.run, run.pid) for run in house.journal.started] == [
        (1, house.workers[0].pid),
        (2, house.workers[1].pid),
    ]
    assert [(run.run, run.exit_code, run.signal) for run in house.journal.ended] == [(1, 1, None)]


def test_what_a_worker_reports_is_told_with_its_run(house):
    keeper = running(house)
    stored = []
    house.worker.listener.reported(Batch(number=1), stored.append)
    server, run, batch, callback = house.journal.batches[0]
    callback(batch.number)
    assert (server, run, stored) == (keeper.id, 1, [1])


def test_an_address_that_cannot_be_opened_is_final_and_nothing_is_spawned(house):
    house.refusal = AddressInUse("Port 9000 on 127.0.0.1 is in use by pid 812 (nginx): stop it; 9001 is free.")
    keeper = house.keeper()
    house.clock.advance(3600)
    assert (keeper.state, house.workers) == (State.FATAL, [])
    assert house.journal.moves[-1].reason == house.refusal.message
    assert house.journal.states() == ["STARTING", "FATAL"]


def test_a_server_that_failed_starts_when_it_is_asked_again_and_not_before(house):
    house.refusal = AddressInUse("in use")
    keeper = house.keeper(asked=1)
    house.refusal = None
    keeper.heed(house.wanted(asked=1))
    assert keeper.state is State.FATAL
    keeper.heed(house.wanted(asked=2))
    assert keeper.state is State.STARTING


def test_a_server_that_failed_is_tried_again_with_a_changed_configuration(house, spec):
    house.refusal = AddressInUse("in use")
    keeper = house.keeper()
    house.refusal = None
    keeper.heed(house.wanted(spec=spec(port=9001), revision=2))
    assert keeper.state is State.STARTING


def test_a_worker_that_cannot_serve_is_final_in_its_own_words(house):
    keeper = house.keeper()
    house.worker.end(code=1, refused="The time zone Mars/Olympus is unknown: choose another.")
    assert keeper.state is State.FATAL
    assert house.journal.moves[-1].reason.startswith("The time zone")
    assert house.open_sockets == 0


def test_a_worker_that_is_not_ready_in_ten_seconds_is_killed_and_started_again(house):
    keeper = house.keeper()
    house.clock.advance(9.99)
    assert house.worker.killed == []
    house.clock.advance(0.01)
    assert house.worker.killed == ["The worker was not ready within 10 s and was killed."]
    house.worker.end(signal=9)
    assert keeper.state is State.BACKOFF
    assert "not ready within 10 s" in house.journal.moves[-1].reason


def test_a_worker_that_cannot_be_spawned_is_tried_again(house):
    house.spawn_failure = OSError(11, "Resource temporarily unavailable")
    keeper = house.keeper()
    assert keeper.state is State.BACKOFF
    assert "temporarily unavailable" in house.journal.moves[-1].reason
    house.spawn_failure = None
    house.clock.advance(1)
    assert keeper.state is State.STARTING


def test_a_store_that_is_away_delays_the_start(house):
    house.journal.failure = StoreBusy("The database did not answer.")
    keeper = house.keeper()
    house.journal.failure = None
    house.clock.advance(1)
    assert house.journal.states() == ["STARTING", "BACKOFF", "STARTING"]
    house.worker.ready()
    assert keeper.state is State.RUNNING


def test_an_address_that_a_stopping_neighbour_still_has_is_waited_for(house, spec):
    house.blocked.add(spec())
    keeper = house.keeper()
    assert (keeper.state, house.sockets) == (State.STARTING, [])
    house.blocked.clear()
    keeper.try_again()
    house.worker.ready()
    assert keeper.state is State.RUNNING


def test_an_address_that_never_opens_is_given_up(house):
    house.opens_later = []
    keeper = house.keeper()
    house.clock.advance(20)
    assert keeper.state is State.FATAL
    house.opens_later.pop()()
    assert (keeper.state, house.open_sockets) == (State.FATAL, 0)


def test_four_workers_start_at_once_and_the_next_when_one_is_ready(house):
    for number in range(6):
        house.keeper(id=number)
    assert len(house.workers) == 4
    house.workers[2].ready()
    assert len(house.workers) == 5


def test_slow_starters_hold_the_others_up_for_two_seconds_at_most(house):
    for number in range(6):
        house.keeper(id=number)
    house.clock.advance(2)
    assert len(house.workers) == 6


# Ends


@pytest.mark.parametrize(
    ("restart", "end", "new"),
    [
        ("on-failure", {"code": 0}, "EXITED"),
        ("on-failure", {"code": 1}, "BACKOFF"),
        ("on-failure", {"signal": 9}, "BACKOFF"),
        ("always", {"code": 0}, "BACKOFF"),
        ("always", {"code": 1}, "BACKOFF"),
        ("never", {"code": 0}, "EXITED"),
        ("never", {"signal": 11}, "EXITED"),
    ],
)
def test_the_restart_policy_decides_what_an_end_means(house, restart, end, new):
    keeper = running(house, restart=restart)
    house.worker.end(**end)
    assert keeper.state.value == new
    assert house.open_sockets == (new == "BACKOFF")


@pytest.mark.parametrize(("restart", "new"), [("on-failure", "BACKOFF"), ("always", "BACKOFF"), ("never", "EXITED")])
def test_an_end_before_it_served_is_a_failure_even_with_exit_code_0(house, restart, new):
    keeper = house.keeper(restart=restart)
    house.worker.end(code=0)
    assert keeper.state.value == new


def test_a_server_that_ended_by_itself_stays_so_until_asked(house):
    keeper = running(house, restart="never", asked=1)
    house.worker.end(code=0)
    house.clock.advance(3600)
    keeper.heed(house.wanted(restart="never", asked=1))
    assert keeper.state is State.EXITED
    keeper.heed(house.wanted(restart="never", asked=2))
    assert keeper.state is State.STARTING


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ({"code": 3}, "The worker ended with exit code 3."),
        ({"signal": 9}, "The worker was ended by SIGKILL."),
        ({"signal": 64 + 35}, "The worker was ended by signal 99."),
        ({"code": 1, "stderr": "Traceback\nValueError: no"}, "exit code 1. Last words: ValueError: no"),
    ],
)
def test_a_crash_says_how_the_worker_ended(house, end, words):
    running(house)
    house.worker.end(**end)
    assert house.journal.moves[-1].reason.endswith(words)


def test_the_socket_stays_open_from_a_crash_to_the_next_worker(house):
    running(house)
    house.worker.end(signal=9)
    house.clock.advance(1)
    assert house.workers[0].launch.socket == house.workers[1].launch.socket
    assert len(house.sockets) == house.open_sockets == 1


def test_a_run_of_two_seconds_is_restarted_at_once_for_ever(house):
    keeper = house.keeper()
    for _ in range(100):
        crash(house, after=2.0)
        house.clock.advance(0.2)
        assert keeper.state is State.STARTING


def test_shorter_runs_are_restarted_with_doubling_delays(house):
    house.keeper()
    for delay in (0.2, 0.4, 0.8, 1.6):
        crash(house, after=1.99)
        moved = house.journal.moves[-1]
        assert moved.retry_at - moved.at == pytest.approx(delay * 1_000_000, abs=1)
        house.clock.advance(delay - 0.001)
        assert house.journal.states()[-1] == "BACKOFF"
        house.clock.advance(0.002)
        assert house.journal.states()[-1] == "STARTING"


def die_again_and_again(house, seconds, living=0.0, **end):
    """For so many seconds, each worker lives as short as told and dies."""
    until = house.clock.now + seconds
    while house.clock.now < until:
        if house.worker.is_alive:
            house.clock.advance(living)
            house.worker.end(**end)
        house.clock.advance(0.02)


def test_a_server_that_dies_at_once_fails_after_five_automatic_starts(house):
    keeper = house.keeper()
    die_again_and_again(house, 9, living=0.2, code=3)
    assert (keeper.state, len(house.workers), house.open_sockets) == (State.FATAL, 6, 0)
    assert house.journal.states()[-2:] == ["BACKOFF", "FATAL"]


def test_a_server_that_dies_more_slowly_is_tried_for_ever(house):
    keeper = house.keeper()
    die_again_and_again(house, 3600, living=1.9, code=3)
    assert "FATAL" not in house.journal.states()
    assert 100 < len(house.workers) < 130
    assert keeper.state is State.BACKOFF


def test_a_crash_loop_says_the_last_exit_status_and_the_last_words(house):
    house.keeper()
    die_again_and_again(house, 9, code=3, stderr="warming up\nValueError: no such device")
    reason = house.journal.moves[-1].reason
    assert "5 automatic starts within 10 s" in reason
    assert "exit code 3" in reason
    assert "warming up\nValueError: no such device" in reason


def test_starts_that_people_ask_for_count_towards_no_bound(house):
    keeper = house.keeper()
    for asked in range(2, 40):
        house.worker.end(code=1)
        keeper.heed(house.wanted(asked=asked))
        assert keeper.state is State.STARTING


def test_asking_during_the_delay_starts_at_once(house):
    keeper = running(house, asked=1)
    house.worker.end(code=1)
    keeper.heed(house.wanted(asked=2))
    assert keeper.state is State.STARTING
    house.clock.advance(1)
    assert len(house.workers) == 2


def test_a_storm_of_crashes_is_held_to_twenty_starts_in_ten_seconds(house):
    keepers = [house.keeper(id=number) for number in range(50)]
    for worker in house.workers:
        worker.end(code=1)
    before = len(house.workers)
    for _ in range(100):
        house.clock.advance(0.1)
        for worker in house.workers:
            if worker.is_alive:
                worker.end(code=1)
    assert len(house.workers) - before <= 20
    assert {keeper.state for keeper in keepers} <= {State.BACKOFF, State.FATAL}


def test_a_worker_that_says_nothing_for_three_heartbeats_is_killed_and_restarted(house):
    keeper = running(house)
    house.clock.advance(10)
    house.worker.speak()
    house.clock.advance(14.9)
    assert house.worker.killed == []
    house.clock.advance(0.2)
    assert house.worker.killed == ["The worker said nothing for 15 s and was killed."]
    house.worker.end(signal=9)
    assert "said nothing for 15 s" in house.journal.moves[-1].reason
    house.clock.advance(0.2)
    assert keeper.state is State.STARTING


def test_heartbeats_keep_a_worker_alive_for_days(house):
    running(house)
    for _ in range(1000):
        house.clock.advance(5)
        house.worker.speak()
    assert house.worker.killed == []


def test_a_worker_that_is_ready_twice_is_killed(house):
    running(house)
    house.worker.ready()
    assert len(house.worker.killed) == 1


# Stopping


def test_a_stop_frees_the_port_at_once_and_waits_for_the_worker(house):
    keeper = running(house)
    keeper.heed(house.wanted(running=False, asked=2))
    assert (keeper.state, house.worker.terminated, house.open_sockets) == (State.STOPPING, 1, 0)
    house.worker.end(code=0)
    assert keeper.state is State.STOPPED
    assert house.journal.moves[-1].asked == 2


def test_a_worker_that_does_not_stop_in_ten_seconds_is_killed(house):
    keeper = running(house)
    keeper.heed(house.wanted(running=False, asked=2))
    house.clock.advance(9.99)
    assert house.worker.killed == []
    house.clock.advance(0.01)
    assert house.worker.killed == ["The worker did not stop within 10 s and was killed."]
    house.worker.end(signal=9)
    assert keeper.state is State.STOPPED


def test_a_stop_ends_the_delay_of_a_restart(house):
    keeper = running(house)
    house.worker.end(code=1)
    keeper.heed(house.wanted(running=False, asked=2))
    house.clock.advance(60)
    assert (keeper.state, len(house.workers), house.open_sockets) == (State.STOPPED, 1, 0)


def test_a_stop_while_it_starts_stops_the_worker(house):
    keeper = house.keeper()
    keeper.heed(house.wanted(running=False, asked=2))
    house.worker.ready()
    assert keeper.state is State.STOPPING
    house.worker.end(signal=15)
    assert keeper.state is State.STOPPED


def test_a_stop_while_it_waits_for_its_turn_leaves_the_queue(house):
    keepers = [house.keeper(id=number) for number in range(5)]
    keepers[4].heed(house.wanted(id=4, running=False, asked=2))
    house.workers[0].ready()
    assert (keepers[4].state, len(house.workers)) == (State.STOPPED, 4)


def test_a_stop_while_the_socket_opens_closes_it_and_only_then_is_it_stopped(house):
    house.opens_later = []
    keeper = house.keeper()
    keeper.heed(house.wanted(running=False, asked=2))
    assert keeper.state is State.STOPPING
    house.opens_later.pop()()
    assert (keeper.state, house.open_sockets, house.workers) == (State.STOPPED, 0, [])


def test_a_start_while_it_stops_is_heeded_once_it_has_stopped(house):
    keeper = running(house)
    keeper.heed(house.wanted(running=False, asked=2))
    keeper.heed(house.wanted(running=True, asked=3))
    assert keeper.state is State.STOPPING
    house.worker.end(code=0)
    assert keeper.state is State.STARTING
    assert [moved.asked for moved in house.journal.moves[-3:]] == [2, 2, 3]


@pytest.mark.parametrize("restart", ["never", "on-failure"])
def test_a_stop_of_what_does_not_run_is_heeded_without_a_move(house, restart):
    if restart == "on-failure":
        house.refusal = AddressInUse("in use")
    keeper = house.keeper(restart=restart)
    if house.workers:
        house.worker.end(code=1)
    moves, state = len(house.journal.moves), keeper.state
    keeper.heed(house.wanted(running=False, asked=5, restart=restart))
    assert (keeper.state, len(house.journal.moves)) == (state, moves)
    assert [(heeded.asked, heeded.state) for heeded in house.journal.heeds] == [(5, state)]


def test_a_server_that_is_not_wanted_is_made_known_as_stopped(house):
    keeper = house.keeper(running=False, asked=4)
    assert (keeper.state, house.workers) == (State.STOPPED, [])
    assert [(heeded.state, heeded.asked) for heeded in house.journal.heeds] == [(State.STOPPED, 4)]


def test_a_server_that_leaves_rests_once_its_worker_is_gone(house):
    keeper = running(house)
    keeper.leave("The server was removed.")
    assert house.rested == []
    house.worker.end(code=0)
    assert (house.rested, keeper.state) == ([1], State.STOPPED)
    assert house.journal.moves[-2].reason == "The server was removed."
