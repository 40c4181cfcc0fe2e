"""LocalChannelLayer: what Channels and its consumers call. Names and messages are checked here; endpoint.py does the work.

layer = LocalChannelLayer(directory="/var/lib/panel/bus")
channel = await layer.new_channel()
await layer.group_add("panel", channel)
await layer.group_send("panel", {"type": "look", "server": 3})  # from any process of the same user
await layer.receive(channel)
"""

import asyncio
import os
import re
from typing import Any

from channels.exceptions import ChannelFull, MessageTooLarge
from channels.layers import BaseChannelLayer

from services.bus import names, wire
from services.bus.directory import Directory
from services.bus.endpoint import Common, Endpoint
from services.bus.loops import Loops
from services.bus.rolls import Rolls
from services.bus.spool import Spool
from services.bus.tally import Tally

MEBIBYTE = 1024 * 1024


class LocalChannelLayer(BaseChannelLayer):
    """A channel layer between the processes of one user on one machine. Linux only. docs/bus.md says what it promises.

    directory: made 0700; `expiry` and `group_expiry` in seconds; `capacity` in messages a channel, `channel_capacity` by pattern of
    the name; `max_message` in bytes as msgpack (1 MB of JSON fits in the default whatever it holds).
    Every method may raise BusUnreachable when the directory cannot be used, and OSError when the disk is full.
    """

    MAX_NAME_LENGTH = names.MAX_NAME + 1  # Channels checks for less than this
    channel_name_regex = re.compile(rf"{names.CHANNEL.pattern}\Z", re.ASCII)
    group_name_regex = re.compile(rf"{names.GROUP.pattern}\Z", re.ASCII)
    invalid_name_error = (
        f"{{}} name must be a str of at most {names.MAX_NAME} ASCII letters, digits, hyphens, underscores or periods."
    )
    extensions = ["groups", "flush"]
    MessageTooLarge = MessageTooLarge
    ChannelFull = ChannelFull

    def __init__(
        self,
        directory: str | os.PathLike[str],
        expiry: int = 60,
        group_expiry: int = 86_400,
        capacity: int = 100,
        channel_capacity: dict[str | re.Pattern[str], int] | None = None,
        max_message: int = 4 * MEBIBYTE,
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        patterns: Any = self.compile_capacities(channel_capacity or {})  # a list, whatever the stubs of Channels say
        self.channel_capacity = patterns
        self.group_expiry = group_expiry
        self.max_message = max_message
        self._tally = Tally()
        self._directory = Directory(directory)
        self._spool = Spool(self._directory, expiry, max_message, self._tally)
        self._rolls = Rolls(self._directory, group_expiry)
        self._loops = Loops(self._make_endpoint)

    def _make_endpoint(self) -> Endpoint:
        self._directory.prepare()
        limits = BaseChannelLayer(capacity=self.capacity)  # not this layer: an endpoint must not keep it alive
        limits.channel_capacity = self.channel_capacity
        return Endpoint(
            Common(
                directory=self._directory,
                spool=self._spool,
                rolls=self._rolls,
                tally=self._tally,
                capacity=limits.get_capacity,
                pending=self.capacity,
                expiry=self.expiry,
                group_expiry=self.group_expiry,
                limit=self.max_message,
            )
        )

    # Channels

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Raises ChannelFull, MessageTooLarge, or TypeError for a name or message that cannot be."""
        payload = wire.pack(message, self.max_message)
        self.require_valid_channel_name(channel)
        endpoint = await self._loops.mine()
        if not endpoint.send(channel, payload):
            raise ChannelFull(channel)
        self._tally.add("sent")

    async def receive(self, channel: str) -> dict[str, Any]:
        """The next message; waits for one. Of a name that ends in `!`, the next of all channels that begin so: the message
        then says which, in `__asgi_channel__`. A process-specific channel is read in the event loop that made it."""
        self.require_valid_channel_name(channel)
        endpoint = await self._loops.mine()
        if names.owner(channel) not in (None, endpoint.name):
            raise ValueError(f"Channel {channel} was made in another event loop or process: read it there.")
        endpoint.listen()
        while True:
            await asyncio.sleep(0)  # others get their turn, however much waits here
            taken = endpoint.take(channel)
            if taken is None:
                await endpoint.arrival(channel)
            elif (message := wire.unpack(taken[1])) is not None:
                self._tally.add("received")
                return message | ({"__asgi_channel__": taken[0]} if channel.endswith("!") else {})
            else:
                self._tally.add("malformed")

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A new process-specific channel of this event loop."""
        endpoint = await self._loops.mine()
        channel = names.new_channel(prefix, endpoint.name)
        self.require_valid_channel_name(channel)
        endpoint.admit(names.non_local(channel))
        return channel

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        """Make the channel a member, or keep it one for another `group_expiry` seconds."""
        self._check_member(group, channel)
        (await self._loops.mine()).join(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Does nothing when it is no member."""
        self._check_member(group, channel)
        (await self._loops.mine()).leave(group, channel)

    def _check_member(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Members that are full miss it: `statistics` counts them. Raises MessageTooLarge, or TypeError."""
        payload = wire.pack(message, self.max_message)
        self.require_valid_group_name(group)
        (await self._loops.mine()).send_group(group, payload)
        self._tally.add("sent")

    # Flush

    async def flush(self) -> None:
        """Forget every message and every group, for all processes at once."""
        endpoint = await self._loops.mine()
        self._directory.begin_epoch()
        self._spool.clear()
        self._rolls.clear()
        endpoint.heed_flush()

    async def close(self) -> None:
        """Close what the running event loop has opened; it opens again when used again."""
        await self._loops.close()

    # What it did

    def statistics(self) -> dict[str, int]:
        """Counts since this process began: sent, received, merged, malformed, and lost with its reasons (lost_full ...)."""
        return self._tally.statistics()

    @property
    def lost(self) -> int:
        """Messages dropped since this process began, for whatever reason."""
        return self.statistics()["lost"]
