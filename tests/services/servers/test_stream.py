"""A peer that reads, however slowly, is not cut."""

from typing import Any

from services.servers.spec import ServerSpec
from services.servers.stream import Stream
from tests.services.servers.looping import Loop


class Wire:
    """A transport whose peer has left so many bytes."""

    left = 100_000
    is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.left

    def close(self) -> None:
        pass

    def abort(self) -> None:
        self.is_aborted = True


class Terms:
    def __init__(self) -> None:
        self.loop = Loop()
        self.reporter = self
        self.spec = ServerSpec("a", "tcp", "tcp", "127.0.0.1", 1)
        self.incidents: list[Any] = []

    def incident(self, *told: Any) -> None:
        self.incidents.append(told)


def test_what_it_has_taken_counts_although_the_connection_is_closed_meanwhile():
    terms: Any = Terms()
    wire: Any = Wire()
    stream = Stream(terms, 1, "127.0.0.1:5")
    stream._transport, stream._made = wire, True
    timeout = terms.spec.limits.write_timeout
    stream._watch()
    terms.loop.passes(timeout - 0.1)
    wire.left = 40_000
    stream.close("closed from the panel")
    terms.loop.passes(1)
    assert (wire.is_aborted, terms.incidents) == (False, [])
    terms.loop.passes(timeout)
    assert wire.is_aborted
