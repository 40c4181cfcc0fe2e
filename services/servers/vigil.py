"""The deadlines of one connection: its first byte, the end of a frame that has begun, any byte at all. It knows no socket.

One timer for a connection, none for a message: what happens only notes when, and the timer looks at that when it is over.
"""

import asyncio
from typing import Protocol

from services.servers.spec import Framing, Limits

NEVER = float("inf")
EARLY = 0.002  # seconds by which a timer may be: the loop counts in milliseconds


class Watched(Protocol):
    """A connection."""

    def cut(self, rule: str, why: str) -> None:
        """Close it, by a rule (report.RULES); `why` in a few words."""

    def unsent(self) -> int:
        """Bytes that its peer has not taken."""


def is_needed(limits: Limits, framing: Framing) -> bool:
    """Whether a connection has any deadline."""
    return bool(limits.first_byte_timeout or limits.idle_timeout or (limits.frame_timeout and framing.type != "none"))


class Vigil:
    """From the accept until `end`."""

    __slots__ = (
        "_born",
        "_connection",
        "_due",
        "_frame",
        "_is_silent",
        "_left",
        "_limits",
        "_loop",
        "_moved",
        "_paused",
        "_timer",
    )

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop, connection: Watched) -> None:
        self._limits = limits
        self._loop = loop
        self._connection = connection
        self._born = self._moved = loop.time()
        self._frame = 0.0  # when the first byte of an unfinished frame came; 0: there is none
        self._is_silent = True  # nothing has ever come
        self._paused = 0.0  # since when it is not read; 0: it is
        self._left = 0  # bytes that the peer had not taken when they were last looked at
        self._timer: asyncio.TimerHandle | None = None
        self._due = NEVER
        self._arm()

    def came(self, is_half: bool, is_new: bool) -> None:
        """Bytes came; the last of them are half a frame, which began with them when it is a new one."""
        self._is_silent = False
        if self._paused:
            self._excuse(self._loop.time())  # else the rest of the pause is added to what begins now
        if self._limits.idle_timeout:
            self._moved = self._loop.time()
        if not is_half:
            self._frame = 0.0
        elif self._limits.frame_timeout and (is_new or not self._frame):
            self._frame = self._loop.time()
            if self._due > self._frame + self._limits.frame_timeout:
                self._arm()

    def went(self) -> None:
        """Bytes went out that answer nothing."""
        now = self._loop.time()
        if self._paused:
            self._excuse(now)
        self._moved = now

    def pause(self) -> None:
        """From now on it is us who do not read: that time counts for nobody."""
        now = self._loop.time()
        if self._paused:
            self._excuse(now)
        self._paused = now

    def resume(self) -> None:
        """Its bytes are taken again."""
        self._excuse(self._loop.time())
        self._paused = 0.0

    def end(self) -> None:
        """The connection is gone, or on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _excuse(self, now: float) -> None:
        """The time since the pause began, or since it was excused last."""
        late = now - self._paused
        self._paused = now
        self._born += late
        self._moved += late
        if self._frame:
            self._frame += late

    def _deadlines(self) -> list[tuple[float, str, str]]:
        """When, by which rule, and why in words."""
        limits, found = self._limits, []
        if self._is_silent and limits.first_byte_timeout:
            why = f"it said nothing for {limits.first_byte_timeout:g} s"
            found.append((self._born + limits.first_byte_timeout, "first-byte", why))
        if limits.idle_timeout:
            why = f"nothing came or went for {limits.idle_timeout:g} s"
            found.append((self._moved + limits.idle_timeout, "idle", why))
        if self._frame:
            why = f"a frame was not complete {limits.frame_timeout:g} s after its first byte"
            found.append((self._frame + limits.frame_timeout, "frame", why))
        return found

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._due = None, NEVER
        deadlines = self._deadlines()
        if deadlines:
            self._due = min(deadlines)[0]
            self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer, self._due = None, NEVER
        if self._paused:
            self._excuse(self._loop.time())
        unsent = self._connection.unsent()
        if unsent < self._left:
            self.went()
        self._left = unsent
        due, rule, why = min(self._deadlines(), default=(NEVER, "", ""))
        if due <= self._loop.time() + EARLY:
            self._connection.cut(rule, why)
        else:
            self._arm()
