"""Restarts and changes of a running server, replayed with fakes."""

from services.errors import AddressInUse, NotRunning
from services.supervisor.door import Held
from services.supervisor.states import State


def test_hearing_the_same_wish_again_changes_nothing(house):
    keeper = house.running()
    before = len(house.journal.moves), len(house.journal.heeds)
    for _ in range(3):
        keeper.heed(house.wanted())
    assert (len(house.journal.moves), len(house.journal.heeds)) == before


def test_asking_a_running_server_again_restarts_it_on_the_same_socket(house):
    keeper = house.running(asked=1)
    keeper.heed(house.wanted(asked=2))
    assert (keeper.state, house.worker.terminated, house.open_sockets) == (State.STOPPING, 1, 1)
    house.worker.end(code=0)
    house.worker.ready()
    assert keeper.state is State.RUNNING
    assert house.workers[0].launch.socket == house.workers[1].launch.socket


def test_a_restart_is_heeded_only_when_the_new_start_is_made(house):
    keeper = house.running(asked=1)
    keeper.heed(house.wanted(asked=2))
    house.worker.end(code=0)
    moves = [(moved.new.value, moved.asked) for moved in house.journal.moves[-3:]]
    assert moves == [("STOPPING", 1), ("STOPPED", 1), ("STARTING", 2)]


def test_asking_again_while_it_starts_is_heeded_by_the_start_under_way(house):
    keeper = house.keeper(asked=1)
    keeper.heed(house.wanted(asked=2))
    assert (keeper.state, house.worker.terminated) == (State.STARTING, 0)
    assert house.journal.heeds[-1].asked == 2


def test_a_changed_reply_restarts_a_running_server_on_its_socket(house, spec):
    keeper = house.running()
    keeper.heed(house.wanted(spec=spec(text="hello"), revision=2))
    house.worker.end(code=0)
    assert house.worker.launch.spec == spec(text="hello")
    assert len(house.sockets) == 1
    assert house.journal.moves[-1].revision == 2


def test_a_new_name_is_heeded_without_a_restart(house, spec):
    keeper = house.running()
    keeper.heed(house.wanted(spec=spec(name="renamed"), revision=2))
    assert (keeper.state, house.worker.terminated) == (State.RUNNING, 0)
    assert [heeded.revision for heeded in house.journal.heeds] == [2]


def test_a_changed_restart_policy_holds_for_the_next_end(house):
    keeper = house.running(restart="always")
    keeper.heed(house.wanted(restart="never", revision=2))
    house.worker.end(code=0)
    assert keeper.state is State.EXITED


def test_a_changed_address_closes_the_old_socket_and_opens_the_new(house, spec):
    keeper = house.running()
    keeper.heed(house.wanted(spec=spec(port=9001), revision=2))
    assert house.open_sockets == 0
    house.worker.end(code=0)
    house.worker.ready()
    assert (len(house.sockets), house.open_sockets) == (2, 1)
    assert house.journal.moves[-1].address == "127.0.0.1:9001"


def test_a_change_during_the_delay_is_tried_at_once(house, spec):
    keeper = house.running()
    house.worker.end(code=1)
    keeper.heed(house.wanted(spec=spec(port=9001), revision=2))
    assert keeper.state is State.STARTING
    assert house.worker.launch.spec == spec(port=9001)
    assert house.open_sockets == 1


def test_a_change_while_it_starts_begins_again(house, spec):
    keeper = house.keeper()
    keeper.heed(house.wanted(spec=spec(text="hello"), revision=2))
    house.workers[0].end(signal=15)
    house.worker.ready()
    assert (keeper.state, house.worker.launch.spec) == (State.RUNNING, spec(text="hello"))


def test_a_change_while_the_socket_opens_drops_that_socket(house, spec):
    house.opens_later = []
    keeper = house.keeper()
    keeper.heed(house.wanted(spec=spec(port=9001), revision=2))
    house.opens_later.pop()()
    house.opens_later.pop()()
    assert (keeper.state, house.worker.launch.spec.port) == (State.STARTING, 9001)
    assert (len(house.sockets), house.open_sockets) == (2, 1)


def test_a_wish_read_before_a_change_does_not_undo_it(house, spec):
    keeper = house.running()
    keeper.heed(house.wanted(spec=spec(text="hello"), revision=2))
    house.worker.end(code=0)
    house.worker.ready()
    keeper.heed(house.wanted(revision=1))
    assert keeper.state is State.RUNNING
    keeper.heed(house.wanted(revision=1, running=False, asked=2))
    assert keeper.state is State.STOPPING


def test_a_socket_opened_beforehand_is_taken_over(house, spec):
    keeper = house.running()
    changed = house.wanted(spec=spec(port=9001), revision=2)
    house.means.open(changed.spec, lambda sock: keeper.hold(changed, Held(sock, changed.spec)))
    assert (keeper.state, house.open_sockets) == (State.STOPPING, 1)
    house.worker.end(code=0)
    assert house.worker.launch.socket == house.sockets[1].fileno()


# An address that overlaps with our own


def exchange(house, keeper, spec):
    outcome = []
    keeper.exchange(house.wanted(spec=spec(host="0.0.0.0"), revision=2), outcome.append)
    return outcome


def test_an_exchange_opens_the_new_address_once_the_old_worker_is_gone(house, spec):
    keeper = house.running()
    outcome = exchange(house, keeper, spec)
    assert (outcome, house.open_sockets) == ([], 0)
    house.worker.end(code=0)
    assert outcome == [None]
    house.worker.ready()
    assert house.journal.moves[-1].address == "0.0.0.0:9000"


def test_an_exchange_that_fails_goes_back_and_says_why(house, spec):
    keeper = house.running()
    outcome = exchange(house, keeper, spec)
    refused = AddressInUse("in use by pid 812 (nginx)")
    answers = iter([refused, None])
    house.means.__dict__["open"] = lambda spec, answer, once=house.means.open: (
        answer(refused) if next(answers) else once(spec, answer)
    )
    house.worker.end(code=0)
    house.worker.ready()
    assert outcome == [refused]
    assert (keeper.state, house.worker.launch.spec, keeper.wanted.revision) == (State.RUNNING, spec(), 1)
    assert house.journal.moves[-1].revision == 1


def test_an_exchange_that_is_stopped_says_so_and_is_forgotten(house, spec):
    keeper = house.running()
    outcome = exchange(house, keeper, spec)
    keeper.heed(house.wanted(running=False, asked=2))
    house.worker.end(code=0)
    assert isinstance(outcome[0], NotRunning)
    keeper.heed(house.wanted(asked=3))
    assert house.worker.launch.spec == spec()
