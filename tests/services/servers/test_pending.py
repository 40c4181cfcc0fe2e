"""What has come and may not be handled yet: it counts for the memory of all, and for the rate of its source."""

import asyncio
from typing import Any

from services.servers import replies, validation
from services.servers.connection import Terms
from services.servers.entrance import Entrance
from services.servers.paced_connection import PacedConnection
from services.servers.reporter import Reporter

FAR = "203.0.113.1"


class Wire:
    """A transport that takes everything."""

    def set_write_buffer_limits(self, *limits: int) -> None: ...
    def pause_reading(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


class Slowed:
    """A connection whose source may send ten messages a second."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        words = {"framing": {"type": "length", "size": 4}, "limits": {"messages_per_second": 10}}
        spec = validation.build({"name": "a", "kind": "tcp", "port": 9000} | words)
        self.reporter = Reporter(lambda frame: None, loop)
        self.terms = Terms(spec, replies.replier(spec.reply), self.reporter, lambda stream: None)
        self.stream = PacedConnection(self.terms, 1, f"{FAR}:5")
        self.stream.source = Entrance(spec.limits, self.reporter, loop).enter(FAR)
        wire: Any = Wire()
        self.stream.connection_made(wire)


def framed(size: int) -> bytes:
    return size.to_bytes(4, "big") + b"x" * size


async def test_what_waits_for_its_turn_counts_for_the_memory_of_all_until_it_is_gone():
    it = Slowed()
    large = framed(1024 * 1024)
    it.stream.data_received(large[:-1])
    it.stream.data_received(large[-1:] + framed(1) * 1000)
    assert it.terms.room.bytes > len(large)
    it.stream.connection_lost(None)
    assert it.terms.room.bytes == 0


async def test_whole_frames_that_wait_take_nobodys_place():
    it = Slowed()
    large = framed(1024 * 1024)
    it.stream.data_received(large[:-1])
    assert it.terms.room._inside
    it.stream.data_received(large[-1:] + framed(1) * 1000)
    assert not it.terms.room._inside


async def test_a_source_owes_for_what_was_taken_when_its_connection_was_lost():
    it = Slowed()
    it.stream.data_received(framed(1) * 300)
    assert it.stream.source is not None
    pace = it.stream.source.pace
    assert pace is not None
    it.stream.connection_lost(ConnectionResetError())
    assert sum(not row[3] for row in it.reporter.messages) == 300
    now = asyncio.get_running_loop().time()
    assert pace.share() == 0
    assert (pace.is_full(now + 28), pace.is_full(now + 31)) == (False, True)
