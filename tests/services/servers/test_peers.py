"""Every address its number, for as many as fit."""

from services.servers.peers import Peer, Peers
from services.servers.server import Past


def peers(most: int = 3, past: Past | None = None) -> tuple[Peers, list[Peer]]:
    gone: list[Peer] = []
    return Peers((past or Past()).number, gone.append, most), gone


def test_the_same_address_keeps_its_number():
    known, _ = peers()
    first = known.meet(("127.0.0.1", 1))
    known.meet(("127.0.0.1", 2))
    assert known.heard(("127.0.0.1", 1)) is first
    assert (first.number, first.name, len(known)) == (1, "127.0.0.1:1", 2)


def test_an_unknown_address_is_nobody():
    assert peers()[0].heard(("127.0.0.1", 1)) is None


def test_the_one_unheard_for_longest_leaves():
    known, gone = peers(most=2)
    known.meet(("127.0.0.1", 1))
    known.meet(("127.0.0.1", 2))
    known.heard(("127.0.0.1", 1))
    known.meet(("127.0.0.1", 3))
    assert [peer.name for peer in gone] == ["127.0.0.1:2"]
    assert [peer.number for peer in known.all()] == [1, 3]


def test_a_peer_of_an_earlier_run_has_its_old_number():
    known, _ = peers(past=Past(next_connection=8, peers={"127.0.0.1:2": 5}))
    assert known.meet(("127.0.0.1", 1)).number == 8
    assert known.meet(("127.0.0.1", 2)).number == 5
    assert known.by_number(5) is known.heard(("127.0.0.1", 2))


def test_a_peer_of_an_earlier_run_can_be_found_until_it_is_heard():
    past = Past(peers={"127.0.0.1:2": 5})
    assert (past.peer(5), past.peer(6)) == ("127.0.0.1:2", None)
    past.number("127.0.0.1:2")
    assert past.peer(5) is None
