"""A datagram server's worker hears which ports it must not answer, replayed with fakes."""

import socket

import pytest

from services.supervisor.states import State


@pytest.fixture
def datagrams(house, spec):
    """A keeper of a datagram server, whose socket is a real one."""

    def opened(wanted_spec, answer):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        house.sockets.append(sock)
        answer(sock)

    object.__setattr__(house.means, "open", opened)
    return house.running(spec=spec(kind="broadcast-sender", transport="udp", port=0))


def test_its_port_is_the_one_that_the_kernel_chose(house, datagrams):
    assert datagrams.port == house.sockets[0].getsockname()[1] > 0


def test_its_worker_is_told_once(house, datagrams):
    for ports in ((1, 2), (1, 2), (1,)):
        datagrams.meet(ports)
    assert house.worker.met == [(1, 2), (1,)]


def test_the_next_worker_is_told_again(house, datagrams):
    datagrams.meet((1, 2))
    house.clock.advance(10)
    house.worker.end(signal=9)
    assert datagrams.port > 0  # its socket waits for the next
    datagrams.meet((1, 2))
    house.clock.advance(1)
    datagrams.meet((1, 2))
    assert [worker.met for worker in house.workers] == [[(1, 2)], [(1, 2)]]


def test_a_worker_that_does_not_listen_is_killed(house, datagrams):
    house.worker.is_deaf = True
    datagrams.meet((1, 2))
    assert house.worker.killed[0].startswith("The worker did not take who its neighbours are and was killed. ")


def test_a_stopped_one_has_no_port(house, datagrams):
    datagrams.heed(house.wanted(spec=datagrams.wanted.spec, running=False, asked=2))
    house.worker.end(code=0)
    assert (datagrams.state, datagrams.port) == (State.STOPPED, 0)


def test_a_stream_server_has_none_and_is_told_nothing(house):
    keeper = house.running()
    keeper.meet((1, 2))
    assert (keeper.port, house.worker.met) == (0, [])


def test_the_receive_buffer_is_shown_with_the_state(house, datagrams):
    assert house.journal.moves[-1].reason == "It serves."
    datagrams.heed(house.wanted(spec=datagrams.wanted.spec, asked=2))
    house.worker.end(code=0)
    house.worker.ready(8 * 1024 * 1024)
    assert house.journal.moves[-1].reason == "It serves. Its receive buffer has 8,388,608 bytes."
    datagrams.heed(house.wanted(spec=datagrams.wanted.spec, asked=3))
    house.worker.end(code=0)
    house.worker.ready(425_984)
    assert house.journal.moves[-1].reason.endswith("has 425,984 bytes: net.core.rmem_max allows no more.")
