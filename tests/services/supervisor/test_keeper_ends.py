"""What becomes of a server whose worker ends or falls silent, replayed with fakes."""

import pytest

from services.supervisor.states import State


def crash(house, after=0.0, **end):
    """The worker gets ready, lives for a while and dies."""
    house.worker.ready()
    house.clock.advance(after)
    house.worker.end(**(end or {"code": 1}))


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
    keeper = house.running(restart=restart)
    house.worker.end(**end)
    assert keeper.state.value == new
    assert house.open_sockets == (new == "BACKOFF")


@pytest.mark.parametrize(("restart", "new"), [("on-failure", "BACKOFF"), ("always", "BACKOFF"), ("never", "EXITED")])
def test_an_end_before_it_served_is_a_failure_even_with_exit_code_0(house, restart, new):
    keeper = house.keeper(restart=restart)
    house.worker.end(code=0)
    assert keeper.state.value == new


def test_a_server_that_ended_by_itself_stays_so_until_asked(house):
    keeper = house.running(restart="never", asked=1)
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
    house.running()
    house.worker.end(**end)
    assert house.journal.moves[-1].reason.endswith(words)


def test_the_socket_stays_open_from_a_crash_to_the_next_worker(house):
    house.running()
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
    keeper = house.running(asked=1)
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
    keeper = house.running()
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
    house.running()
    for _ in range(1000):
        house.clock.advance(5)
        house.worker.speak()
    assert house.worker.killed == []


def test_a_worker_that_is_ready_twice_is_killed(house):
    house.running()
    house.worker.ready()
    assert len(house.worker.killed) == 1


def crowd(house, count):
    """So many that have crashed together while others stand before them at the gate."""
    keepers = [house.running(id=number) for number in range(1, count + 1)]
    for worker in house.workers[:]:
        worker.end(code=1)
    for stranger in range(-house.means.timings.at_once, 0):
        house.means.gate.enter(stranger, lambda: None)
    house.clock.advance(30)
    return keepers


def let_in(house):
    for stranger in range(-house.means.timings.at_once, 0):
        house.means.gate.leave(stranger)
    for worker in house.workers:  # it grows meanwhile: whoever is ready makes room
        if worker.is_alive:
            worker.ready()


def test_starts_that_had_to_wait_at_the_gate_are_no_more_than_twenty_in_ten_seconds_either(house):
    crowd(house, 50)
    let_in(house)
    assert len(house.workers) == 50 + 20
    house.clock.advance(9)
    assert len(house.workers) == 50 + 20
    house.clock.advance(2)
    let_in(house)
    assert len(house.workers) == 50 + 40


def test_whoever_is_stopped_at_the_gate_leaves_its_start_to_the_others(house):
    for keeper in crowd(house, 50):
        if keeper.state is State.STARTING:
            keeper.heed(house.wanted(id=keeper.id, running=False))
    house.clock.advance(10)
    let_in(house)
    assert len(house.workers) == 50 + 20
