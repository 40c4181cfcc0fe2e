"""What waits in channels that any process may read: one file a message, so that it outlives its sender. It knows no socket.

A file's name is the time it was sent (nanoseconds of the wall clock: files outlive boots, where the monotonic clock begins
anew), something random, and the local part of its channel after a `~`. A reader owns a message when it removed the file.
"""

import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path

from services.bus import names
from services.bus.directory import Directory, entry
from services.bus.tally import Tally


class Spool:
    """The channels' files. `expiry` in seconds; `limit` is the longest message in bytes."""

    def __init__(self, directory: Directory, expiry: float, limit: int, tally: Tally) -> None:
        self._directory = directory
        self._expiry = int(expiry * 1e9)
        self._limit = limit
        self._tally = tally
        self._last = 0

    def put(self, channel: str, payload: bytes, capacity: int) -> bool:
        """Keep a message; False when `capacity` messages wait."""
        path = self._path(channel)
        if len(self._waiting(path)) >= capacity:
            return False
        self._last = max(self._last + 1, time.time_ns())
        name = f"{self._last:020d}-{secrets.token_hex(4)}~{names.local_part(channel)}"
        for attempt in range(10):
            path.mkdir(mode=0o700, exist_ok=True)
            try:
                (path / f".{name}").write_bytes(payload)
                (path / f".{name}").replace(path / name)  # nobody reads half a message
                break
            except FileNotFoundError:  # the channel was empty and its directory removed this instant
                if attempt == 9:
                    raise
        return True

    def take(self, channel: str) -> tuple[str, bytes] | None:
        """The oldest message and the channel it was sent to; None when nothing waits. `x!` stands for all that begin so."""
        path = self._path(channel)
        local = names.local_part(channel)
        for name in self._waiting(path):
            to = name.partition("~")[2]
            if (not local or local == to) and (payload := self._claim(path / name)) is not None:
                return names.non_local(channel) + to, payload
        return None

    def _claim(self, path: Path) -> bytes | None:
        """Its bytes, if this reader is the one who got it."""
        try:
            payload = self._read(path)
            path.unlink()
        except FileNotFoundError:
            return None
        if payload is None:
            self._tally.add("malformed")
        return payload

    def _read(self, path: Path) -> bytes | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError:
            return None
        with open(descriptor, "rb") as file:
            info = os.fstat(descriptor)
            regular = stat.S_ISREG(info.st_mode) and info.st_size <= self._limit
            return file.read(self._limit) if regular else None

    def _waiting(self, path: Path) -> list[str]:
        """The names of the messages, oldest first; those unread for too long are removed on the way."""
        found, now = [], time.time_ns()
        for name in sorted(self._names(path)):
            if name.startswith("."):
                continue
            if self._fresh(name, now):
                found.append(name)
            elif self._removed(path / name):
                self._tally.add("lost_expired")
        return found

    def _fresh(self, name: str, now: int) -> bool:
        sent = name[:20]
        return sent.isdecimal() and abs(now - int(sent)) <= self._expiry  # `abs`: the clock may have been set back

    def clean(self) -> None:
        """Remove what nobody reads: expired messages, half-written ones of dead processes, empty channels."""
        now = time.time_ns()
        for path in self._directory.channels.iterdir():
            self._waiting(path)
            self._remove_all(path, lambda name: name.startswith(".") and not self._fresh(name[1:], now))

    def clear(self) -> None:
        for path in self._directory.channels.iterdir():
            self._remove_all(path, lambda name: True)

    def _remove_all(self, path: Path, chosen: Callable[[str], bool]) -> None:
        for name in self._names(path):
            if chosen(name):
                self._removed(path / name)
        try:
            path.rmdir()
        except OSError:
            pass  # not empty, or somebody else removed it

    def _removed(self, path: Path) -> bool:
        try:
            path.unlink()
        except OSError:
            return False
        return True

    def _names(self, path: Path) -> list[str]:
        try:
            return os.listdir(path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _path(self, channel: str) -> Path:
        return self._directory.channels / entry(names.non_local(channel))
