"""Which datagrams the kernel is known to have dropped at a socket when its next worker begins, replayed with fakes."""

from services.servers.report import Batch, Counted
from services.supervisor.door import Held


def lost(worker, number, datagrams):
    worker.listener.reported(Batch(number=number, counted=Counted(dropped={"kernel": datagrams})), lambda _: None)


def test_the_next_worker_at_the_same_socket_knows_what_earlier_ones_told_of(house):
    house.running()
    lost(house.worker, 1, 20)
    house.worker.end(code=1)
    house.clock.advance(1)
    house.worker.ready()
    assert house.worker.launch.kernel_drops == 20
    lost(house.worker, 1, 3)
    house.worker.end(code=1)
    house.clock.advance(1)
    assert house.worker.launch.kernel_drops == 23


def test_what_the_old_worker_tells_last_is_not_counted_for_a_socket_that_was_opened_beforehand(house, spec):
    keeper = house.running()
    changed = house.wanted(spec=spec(port=9001), revision=2)
    house.means.open(changed.spec, lambda sock: keeper.hold(changed, Held(sock, changed.spec)))
    lost(house.worker, 1, 20)
    house.worker.end(code=0)
    assert len(house.workers) == 2
    assert house.worker.launch.kernel_drops == 0


def test_what_the_old_worker_tells_last_is_not_counted_for_the_socket_of_a_new_start(house, spec):
    """The old socket is closed when the stop is asked for, the new one opened when the worker is gone."""
    keeper = house.running()
    lost(house.worker, 1, 5)
    keeper.heed(house.wanted(spec=spec(port=9001), revision=2))
    lost(house.worker, 2, 20)
    house.worker.end(code=0)
    assert house.worker.launch.kernel_drops == 0
