"""Who is in a group, on disk: endpoints that have members, and channels that any process may read. It knows no message.

Members that belong to one event loop stand in its memory (memberships.py): a file names only the endpoint.
"""

import os
import time
from pathlib import Path

from services.bus import names
from services.bus.directory import Directory, entry


class Rolls:
    """The groups' files. A membership of a channel ends `expiry` seconds after the last `add`."""

    def __init__(self, directory: Directory, expiry: float) -> None:
        self._directory = directory
        self._expiry = expiry

    def enter(self, group: str, endpoint: str) -> None:
        self._touch(group, endpoint)

    def leave(self, group: str, endpoint: str) -> None:
        self._remove(group, endpoint)

    def add(self, group: str, channel: str) -> None:
        self._touch(group, entry(channel))

    def discard(self, group: str, channel: str) -> None:
        self._remove(group, entry(channel))

    def members(self, group: str) -> tuple[list[str], list[str]]:
        """The endpoints and the channels."""
        endpoints, channels = [], []
        for name in self._names(self._directory.groups / entry(group)):
            if names.ENDPOINT.fullmatch(name):
                endpoints.append(name)
            elif self._valid(group, name):
                channels.append(name[1:])
        return endpoints, channels

    def _valid(self, group: str, name: str) -> bool:
        if not name.startswith("=") or not names.CHANNEL.fullmatch(name[1:]):
            return False
        try:
            # The wall clock: the file may be older than this boot, where the monotonic clock began anew.
            age = time.time() - os.stat(self._directory.groups / entry(group) / name).st_mtime
        except FileNotFoundError:
            return False
        if age > self._expiry:
            self._remove(group, name)
        return age <= self._expiry

    def sweep(self) -> None:
        """Forget endpoints whose socket has gone."""
        living = set(self._directory.living())
        for path in self._directory.groups.iterdir():
            for name in self._names(path):
                if names.ENDPOINT.fullmatch(name) and name not in living:
                    self._remove(path.name[1:], name)

    def clear(self) -> None:
        for path in self._directory.groups.iterdir():
            for name in self._names(path):
                self._remove(path.name[1:], name)

    def _names(self, path: Path) -> list[str]:
        try:
            return os.listdir(path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _touch(self, group: str, name: str) -> None:
        path = self._directory.groups / entry(group)
        for attempt in range(10):
            path.mkdir(mode=0o700, exist_ok=True)
            try:
                (path / name).touch(mode=0o600)
                return
            except FileNotFoundError:  # the last member left this instant and took the directory along
                if attempt == 9:
                    raise

    def _remove(self, group: str, name: str) -> None:
        path = self._directory.groups / entry(group)
        try:
            (path / name).unlink(missing_ok=True)
            path.rmdir()
        except OSError:
            pass  # somebody is still in it, or it has gone
