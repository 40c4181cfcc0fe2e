"""How one server starts, replayed with a clock that stands still until told and a worker that does as told."""

from services.errors import AddressInUse, StoreBusy
from services.servers.report import Batch, Counted
from services.supervisor.states import State


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
    house.running()
    moved = house.journal.moves[-1]
    assert (moved.pid, moved.run, moved.address) == (house.worker.pid, 1, "127.0.0.1:9000")


def test_a_worker_goes_on_where_the_numbers_stand(house):
    house.keeper()
    assert (house.worker.launch.next_connection, house.worker.launch.peers) == (11, {"127.0.0.1:5000": 3})


def test_each_worker_is_a_run_of_its_own(house):
    house.running()
    house.worker.end(code=1)
    house.clock.advance(1)
    assert [(run.run, run.pid) for run in house.journal.started] == [
        (1, house.workers[0].pid),
        (2, house.workers[1].pid),
    ]
    assert [(run.run, run.exit_code, run.signal) for run in house.journal.ended] == [(1, 1, None)]


def test_what_a_worker_reports_is_told_with_its_run(house):
    keeper = house.running()
    stored = []
    house.worker.listener.reported(Batch(number=1), stored.append)
    server, run, batch, callback = house.journal.batches[0]
    callback(batch.number)
    assert (server, run, stored) == (keeper.id, 1, [1])


def test_the_next_worker_knows_which_kernel_drops_were_told_of_the_same_socket(house):
    keeper = house.running()
    for number in (1, 2):
        house.worker.listener.reported(Batch(number=number, counted=Counted(dropped={"kernel": 20})), print)
    house.worker.end(signal=9)
    house.clock.advance(1)
    assert house.worker.launch.kernel_drops == 40
    keeper.heed(house.wanted(running=False, asked=2))
    house.worker.end(code=0)
    keeper.heed(house.wanted(asked=3))
    assert house.worker.launch.kernel_drops == 0


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
