"""The account of a server: what came is what is stored and what was dropped, with each reason. It asks no database.

account = of(describe.count(row))
account.incoming.open      # 0 when every message is accounted for; else so many are on their way to the database
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.servers.report import DROPPED, SENT_DROPPED


class Loss(msgspec.Struct, frozen=True):
    """What one reason cost."""

    reason: str
    what: str  # the reason, for people
    messages: int
    bytes: int


class Direction(msgspec.Struct, frozen=True):
    """What came in, or went out."""

    messages: int
    stored: int
    bytes: int
    stored_bytes: int
    losses: tuple[Loss, ...] = ()

    @property
    def dropped(self) -> int:
        return sum(loss.messages for loss in self.losses)

    @property
    def dropped_bytes(self) -> int:
        return sum(loss.bytes for loss in self.losses)

    @property
    def open(self) -> int:
        """Messages that are neither stored nor dropped: on their way, while the server is at work."""
        return self.messages - self.stored - self.dropped

    @property
    def open_bytes(self) -> int:
        return self.bytes - self.stored_bytes - self.dropped_bytes


class Account(msgspec.Struct, frozen=True):
    """Since the server was created."""

    incoming: Direction
    outgoing: Direction
    refused: dict[str, int]  # rule -> connections that were not let in

    @property
    def balances(self) -> bool:
        """Whether every message and byte is accounted for."""
        sides = (self.incoming, self.outgoing)
        return not any(side.open or side.open_bytes for side in sides)


def of(counters: Mapping[str, Any]) -> Account:
    """The account that the `counters` of a SERVER tell."""
    return Account(
        incoming=Direction(
            counters["received"],
            counters["stored"],
            counters["bytes_in"],
            counters["stored_bytes"],
            _losses(counters["dropped"], counters["dropped_bytes"], DROPPED),
        ),
        outgoing=Direction(
            counters["sent"],
            counters["sent_stored"],
            counters["bytes_out"],
            counters["sent_stored_bytes"],
            _losses(counters["sent_dropped"], counters["sent_dropped_bytes"], SENT_DROPPED),
        ),
        refused=dict(counters["refused"]),
    )


def _losses(messages: Mapping[str, int], sizes: Mapping[str, int], words: Mapping[str, str]) -> tuple[Loss, ...]:
    """The greatest first."""
    found = [Loss(reason, words.get(reason, ""), number, sizes.get(reason, 0)) for reason, number in messages.items()]
    return tuple(sorted(found, key=lambda loss: (-loss.messages, loss.reason)))
