"""Which UDP ports the datagram servers of a node have, told to each of them: they never answer each other.

It knows neither workers nor sockets: it asks keepers and tells keepers, once for however many changes come at once.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from services.supervisor.timers import Clock, Timer

SETTLES = 0.01  # seconds: what changes within them is told at once


class Resident(Protocol):
    """What is asked of a keeper."""

    @property
    def port(self) -> int:
        """The UDP port that it has open; 0 for none."""

    def meet(self, ports: tuple[int, ...]) -> None:
        """Hear them, if it has a worker that should know and has not heard the same before."""


class Neighbourhood:
    """The keepers of one node."""

    def __init__(self, clock: Clock, residents: Callable[[], Iterable[Resident]]) -> None:
        self._clock = clock
        self._residents = residents
        self._timer: Timer | None = None

    def changed(self) -> None:
        """To be called whenever a server has moved."""
        if self._timer is None:
            self._timer = self._clock.call_later(SETTLES, self._tell)

    def _tell(self) -> None:
        self._timer = None
        residents = list(self._residents())
        ports = tuple(sorted({resident.port for resident in residents} - {0}))
        for resident in residents:
            resident.meet(ports)
