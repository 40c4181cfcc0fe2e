"""Why a stream is not read, and what it is to those that it waits for. It knows no stream.

Each reason is a bit: a stream is read when none is set.
"""

from typing import Protocol

PEER = 1  # its answers are not taken
STORE = 2  # the store is behind
COMMIT = 4  # answers wait for the store
TURN = 8  # others are next
STOP = 16  # the server stops
RECORD = 32  # remote commands wait to be written down
RATE = 64  # its source sends too much
ROOM = 128  # large frames of others are not complete yet


class Waiting(Protocol):
    """A stream that is not read until it is told to go on."""

    def go_on(self, reason: int) -> None:
        """`reason` no longer stands in the way."""
