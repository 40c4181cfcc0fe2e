"""How one server stops, replayed with fakes."""

import pytest

from services.errors import AddressInUse
from services.supervisor.states import State


def test_a_stop_frees_the_port_at_once_and_waits_for_the_worker(house):
    keeper = house.running()
    keeper.heed(house.wanted(running=False, asked=2))
    assert (keeper.state, house.worker.terminated, house.open_sockets) == (State.STOPPING, 1, 0)
    house.worker.end(code=0)
    assert keeper.state is State.STOPPED
    assert house.journal.moves[-1].asked == 2


def test_a_worker_that_does_not_stop_in_ten_seconds_is_killed(house):
    keeper = house.running()
    keeper.heed(house.wanted(running=False, asked=2))
    house.clock.advance(9.99)
    assert house.worker.killed == []
    house.clock.advance(0.01)
    assert house.worker.killed == ["The worker did not stop within 10 s and was killed."]
    house.worker.end(signal=9)
    assert keeper.state is State.STOPPED


def test_a_stop_ends_the_delay_of_a_restart(house):
    keeper = house.running()
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
    keeper = house.running()
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
    keeper = house.running()
    keeper.leave("The server was removed.")
    assert house.rested == []
    house.worker.end(code=0)
    assert (house.rested, keeper.state) == ([1], State.STOPPED)
    assert house.journal.moves[-2].reason == "The server was removed."
