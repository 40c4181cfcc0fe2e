"""Datagram servers of one node are told of each other, whenever one more is up or one is gone."""

from services.supervisor.neighbourhood import Neighbourhood


class Resident:
    def __init__(self, port: int) -> None:
        self.port = port
        self.met: list[tuple[int, ...]] = []

    def meet(self, ports: tuple[int, ...]) -> None:
        self.met.append(ports)


def test_many_changes_at_once_are_told_once(house):
    residents = [Resident(9), Resident(0), Resident(7), Resident(9)]
    neighbourhood = Neighbourhood(house.clock, lambda: residents)
    for _ in range(100):
        neighbourhood.changed()
    house.clock.advance(1)
    assert [one.met for one in residents] == [[(7, 9)]] * 4


def test_a_later_change_is_told_again(house):
    residents = [Resident(7)]
    neighbourhood = Neighbourhood(house.clock, lambda: residents)
    neighbourhood.changed()
    house.clock.advance(1)
    residents.append(Resident(8))
    neighbourhood.changed()
    house.clock.advance(1)
    assert [one.met for one in residents] == [[(7,), (7, 8)], [(7, 8)]]
