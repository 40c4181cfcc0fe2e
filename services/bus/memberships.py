"""Which channels of one event loop are in which groups, and until when. No I/O."""

import time
from collections.abc import Callable

MAX_MEMBERSHIPS = 100_000  # the oldest gives way: a consumer that never leaves its groups must not eat the memory


class Memberships:
    """A membership ends `expiry` seconds after the last `add`. `emptied(group)` is called when the last member is gone."""

    def __init__(
        self, expiry: float, emptied: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._expiry, self._emptied, self._clock = expiry, emptied, clock
        self._joined: dict[tuple[str, str], float] = {}  # in order of the time
        self._groups: dict[str, dict[str, None]] = {}

    def add(self, group: str, channel: str) -> None:
        self._joined.pop((group, channel), None)
        if len(self._joined) >= MAX_MEMBERSHIPS:
            self.discard(*next(iter(self._joined)))
        self._joined[group, channel] = self._clock()
        self._groups.setdefault(group, {})[channel] = None

    def discard(self, group: str, channel: str) -> None:
        if self._joined.pop((group, channel), None) is None:
            return
        members = self._groups[group]
        del members[channel]
        if not members:
            del self._groups[group]
            self._emptied(group)

    def members(self, group: str) -> list[str]:
        self.expire()
        return list(self._groups.get(group, ()))

    def groups(self) -> list[str]:
        return list(self._groups)

    def expire(self) -> None:
        """End the memberships whose time is over."""
        oldest = self._clock() - self._expiry
        while self._joined:
            (group, channel), since = next(iter(self._joined.items()))
            if since >= oldest:
                return
            self.discard(group, channel)

    def clear(self) -> None:
        for group, channel in list(self._joined):
            self.discard(group, channel)
