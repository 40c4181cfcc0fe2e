"""One event loop's part in the bus: it brings together what is sent, what arrives, what waits, and who waits for it.

Everything here is called in that loop; `close` may also be called when the loop is closed. A loop that only sends has no socket
of its own. It knows nothing of validation: that is the layer's.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.bus import names, wire
from services.bus.directory import Directory
from services.bus.inbox import Inbox
from services.bus.mailbox import Mailbox
from services.bus.memberships import Memberships
from services.bus.outbox import Outbox, Outcome
from services.bus.parcel import Parcel, circular, letter, note
from services.bus.readers import Readers
from services.bus.rolls import Rolls
from services.bus.spool import Spool
from services.bus.tally import Tally
from services.errors import BusUnreachable

TICK = 10.0  # seconds between two rounds of tidying

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Common:
    """What the endpoints of one layer share."""

    directory: Directory
    spool: Spool
    rolls: Rolls
    tally: Tally
    capacity: Callable[[str], int]
    pending: int  # messages kept for a peer that is busy
    expiry: float  # seconds
    group_expiry: float  # seconds
    limit: int  # bytes of a message


class Endpoint:
    """Sends and receives for one event loop."""

    def __init__(self, common: Common) -> None:
        self.name = names.new_endpoint()
        self._common = common
        self._directory, self._tally = common.directory, common.tally
        self._process = os.getpid()
        self._epoch = self._directory.epoch()
        self._prefixes: set[str] = set()
        self._inbox = Inbox(self._directory, self.name, common.limit, self._arrived)
        self._readers = Readers()
        self._outbox = Outbox(self._directory, common.pending, self._tally, self._bury)
        self._mailbox = Mailbox(common.capacity, int(common.expiry * 1e9), self._expired, self._directory.tell_full)
        self._memberships = Memberships(common.group_expiry, self._group_left)
        self._closed = False
        asyncio.get_running_loop().call_later(TICK, self._tick)

    # Receiving

    def admit(self, prefix: str) -> None:
        """Take messages for the channels that begin so."""
        self.listen()
        self._prefixes.add(prefix)

    def listen(self) -> None:
        """Have a socket, which others find in the directory."""
        if self._inbox.is_open:
            return
        self._inbox.open()
        for other in self._directory.living():
            if other != self.name:
                self._outbox.probe(other)
        self._common.rolls.sweep()

    def _arrived(self, datagram: wire.Datagram | None, payload: bytes) -> None:
        if datagram and datagram.epoch != self._epoch:
            self.heed_flush()
        match datagram:
            case wire.Datagram(epoch=epoch) if epoch != self._epoch:
                pass  # flushed on its way
            case wire.Letter(channel=channel, sent=sent) if names.non_local(channel) in self._prefixes:
                if not self.deliver(channel, payload, sent):
                    self._tally.full(channel)
            case wire.Circular(group=group, sent=sent):
                self.circulate(group, payload, sent)
            case wire.Wake(channel=channel):
                self._readers.wake(channel)
            case wire.Join(group=group, channel=channel) if self._acceptable(group, channel):
                self.join(group, channel)
            case wire.Leave(group=group, channel=channel):
                self._memberships.discard(group, channel)
            case _:
                self._tally.add("malformed")

    def _acceptable(self, group: str, channel: str) -> bool:
        known = names.non_local(channel) in self._prefixes and names.CHANNEL.fullmatch(channel)
        return bool(known and names.GROUP.fullmatch(group))

    def deliver(self, channel: str, payload: bytes, sent: int) -> bool:
        """A message to a channel of this loop; False when it is full."""
        if not self._mailbox.put(channel, payload, sent):
            return False
        self._readers.wake(channel)
        return True

    def circulate(self, group: str, payload: bytes, sent: int) -> None:
        """A message to the members of a group in this loop."""
        members = self._memberships.members(group)
        for channel in self._mailbox.put_copies(members, payload, sent):
            self._tally.full(channel)
        for channel in members:
            self._readers.wake(channel)

    def take(self, channel: str) -> tuple[str, bytes] | None:
        """What was sent to it first, with the channel's full name; None when nothing waits."""
        self.heed_flush()
        if names.owner(channel) == self.name:
            return self._mailbox.take(channel)
        return self._common.spool.take(channel)

    async def arrival(self, channel: str) -> None:
        """Wait until there may be something to take."""
        await self._readers.wait(channel)

    # Sending

    def send(self, channel: str, payload: bytes) -> bool:
        """To a process-specific channel of any endpoint; False when it is full."""
        self.heed_flush()
        owner, sent = names.owner(channel), time.monotonic_ns()
        if owner is None:
            return self._put(channel, payload)
        if owner != self.name:
            full = self._directory.is_full(names.non_local(channel))
            return not full and self._post(owner, letter(self._epoch, sent, channel, payload))
        if names.non_local(channel) in self._prefixes:
            return self.deliver(channel, payload, sent)
        self._tally.add("lost_gone")
        return True

    def _post(self, owner: str, parcel: Parcel) -> bool:
        outcome = self._outbox.post(owner, parcel)
        if outcome in (Outcome.GONE, Outcome.FAILED):
            self._tally.add("lost_gone")
        return outcome is not Outcome.FULL

    def _put(self, channel: str, payload: bytes) -> bool:
        if not self._common.spool.put(channel, payload, self._common.capacity(channel)):
            return False
        self._readers.wake(channel)
        wake = note(wire.Wake(self._epoch, 0, channel))
        for other in self._directory.living():
            if other != self.name:
                self._outbox.post(other, wake)
        return True

    def send_group(self, group: str, payload: bytes) -> None:
        """To every member; those that are full lose it, counted."""
        self.heed_flush()
        endpoints, channels = self._common.rolls.members(group)
        sent = time.monotonic_ns()
        self.circulate(group, payload, sent)
        parcel = circular(self._epoch, sent, group, payload)
        for other in endpoints:
            outcome = self._outbox.post(other, parcel) if other != self.name else Outcome.SENT
            if outcome is Outcome.FULL:
                self._tally.full(f"group {group}")
            elif outcome is Outcome.FAILED:
                self._tally.add("lost_gone")
        for channel in channels:
            if not self._put(channel, payload):
                self._tally.full(channel)

    # Groups

    def join(self, group: str, channel: str) -> None:
        self.heed_flush()
        owner = names.owner(channel)
        if owner is None:
            self._common.rolls.add(group, channel)
            return
        if owner == self.name:
            self._memberships.add(group, channel)
        elif not self._post(owner, note(wire.Join(self._epoch, 0, group, channel))):
            self._tally.full(channel)
        self._common.rolls.enter(group, owner)

    def leave(self, group: str, channel: str) -> None:
        self.heed_flush()
        owner = names.owner(channel)
        if owner is None:
            self._common.rolls.discard(group, channel)
        elif owner == self.name:
            self._memberships.discard(group, channel)
        elif not self._post(owner, note(wire.Leave(self._epoch, 0, group, channel))):
            self._tally.full(channel)

    def _group_left(self, group: str) -> None:
        self._common.rolls.leave(group, self.name)

    # Tidying

    def heed_flush(self) -> None:
        """Forget everything when somebody has flushed the layer."""
        epoch = self._directory.epoch()
        if epoch != self._epoch:
            self._epoch = epoch
            self._mailbox.clear()
            self._memberships.clear()
            self._outbox.clear()

    def _expired(self, count: int) -> None:
        self._tally.add("lost_expired", count)

    def _bury(self, endpoint: str) -> None:
        """Whoever finds a dead endpoint removes what it left."""
        self._directory.forget(endpoint)
        self._common.rolls.sweep()

    def _tick(self) -> None:
        if self._closed:
            return
        asyncio.get_running_loop().call_later(TICK, self._tick)
        try:
            self.tidy()
        except (OSError, BusUnreachable) as error:
            logger.error("The bus directory %s cannot be tidied: %s.", self._directory.path, error)

    def tidy(self) -> None:
        """Drop what is too old, and have the files in order that others rely on."""
        self._outbox.tick()
        self._mailbox.expire()
        self._memberships.expire()
        self._directory.prepare()
        self._common.spool.clean()
        if self._inbox.reopen_if_removed():
            for group in self._memberships.groups():
                self._common.rolls.enter(group, self.name)
        self._readers.wake_all()  # had a wake been lost, this is when its message is found

    # The end

    async def drain(self, within: float) -> None:
        await self._outbox.drain(within)

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Leave no socket and no file; `loop` is None when the loop is closed. In a forked child the files stay: they are
        the parent's."""
        self._closed = True
        self._outbox.close(loop)
        if not self._inbox.is_open:
            return
        self._inbox.close(loop)
        if self._process == os.getpid():
            for group in self._memberships.groups():
                self._group_left(group)
            self._directory.forget(self.name)
