"""The directory of the bus: private to one user, and the same for every process of a panel. It knows no loop and no message.

    endpoints/ID           the socket of one event loop
    groups/=GROUP/ID       that endpoint has members of the group
    groups/=GROUP/=CHANNEL a channel that any process may read is a member
    channels/=CHANNEL/...  what waits in such a channel (spool.py)
    full/=CHANNEL!         as much as its capacity waits in a process-specific channel
    epoch                  a symbolic link to nowhere, whose target changes at every flush

A path of a UNIX socket holds 107 bytes. Sockets are therefore reached through /proc/self/fd, which shortens every directory, so
that nobody has to agree on a second, shorter one.
"""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.bus import names
from services.errors import BusUnreachable

DESCRIPTORS = "/proc/self/fd"
PARTS = ("endpoints", "groups", "channels", "full")


def entry(name: str) -> str:
    """The file name for a channel or a group: never `.` or `..`, never an endpoint."""
    return f"={name}"


class Directory:
    """The files of one bus."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self.endpoints, self.groups, self.channels, self.full = (self.path / part for part in PARTS)
        self._epoch = str(self.path / "epoch")

    def prepare(self) -> None:
        """Make what is missing. Raises BusUnreachable."""
        if not os.path.isdir(DESCRIPTORS):
            raise BusUnreachable(f"The bus needs {DESCRIPTORS}, which is not there: mount /proc, or set REDIS_URL.")
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check(self.path.stat())
            for part in PARTS:
                (self.path / part).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise BusUnreachable(
                f"The bus directory {self.path} cannot be used ({error.strerror}): make it a directory of this user."
            ) from error

    def _check(self, info: os.stat_result) -> None:
        user = os.geteuid()
        if info.st_uid != user and user != 0:
            raise BusUnreachable(
                f"The bus directory {self.path} belongs to user {info.st_uid}, this process runs as {user}: "
                "run every process of the panel as one user."
            )
        if stat.S_IMODE(info.st_mode) & 0o077:
            self.path.chmod(0o700)

    # Flushes

    def epoch(self) -> str:
        """What every message and membership is stamped with; what carries another stamp was flushed."""
        try:
            return os.readlink(self._epoch)
        except FileNotFoundError:
            return ""

    def begin_epoch(self) -> None:
        fresh = names.new_endpoint()
        waiting = f"{self._epoch}.{fresh}"
        os.symlink(fresh, waiting)
        os.replace(waiting, self._epoch)
        for path in self.full.iterdir():
            path.unlink(missing_ok=True)

    # Channels that are full

    def tell_full(self, channel: str, full: bool) -> None:
        """Let the senders in other processes know that a process-specific channel is full, or no longer."""
        path = self.full / entry(channel)
        if full:
            path.touch(mode=0o600)
        else:
            path.unlink(missing_ok=True)

    def is_full(self, channel: str) -> bool:
        return (self.full / entry(channel)).exists()

    # Sockets

    def bind(self, sock: socket.socket, endpoint: str) -> None:
        """Give the socket its name. It appears only once it answers: nobody can take it for a dead one and remove it."""
        with self._short() as short:
            sock.bind(f"{short}/.{endpoint}")
        waiting = self.endpoints / f".{endpoint}"
        waiting.chmod(0o600)
        waiting.replace(self.endpoints / endpoint)

    def connect(self, sock: socket.socket, endpoint: str) -> None:
        """Raises FileNotFoundError or ConnectionRefusedError when nobody is there, and other OSErrors."""
        with self._short() as short:
            sock.connect(f"{short}/{endpoint}")

    @contextmanager
    def _short(self) -> Iterator[str]:
        descriptor = os.open(self.endpoints, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"{DESCRIPTORS}/{descriptor}"
        finally:
            os.close(descriptor)

    def living(self) -> list[str]:
        """The endpoints that have a socket; some may have died without removing theirs."""
        return [name for name in os.listdir(self.endpoints) if names.ENDPOINT.fullmatch(name)]

    def keep(self, endpoint: str) -> bool:
        """Mark the socket's file as in use, for those who clean up by age. False when it has gone."""
        try:
            os.utime(self.endpoints / endpoint)
        except FileNotFoundError:
            return False
        return True

    def forget(self, endpoint: str) -> None:
        """Remove what a dead endpoint left behind. No other ever has its name, so it cannot hit a living one."""
        for name in (endpoint, f".{endpoint}"):
            (self.endpoints / name).unlink(missing_ok=True)
        for path in self.full.glob(f"*{endpoint}!"):
            path.unlink(missing_ok=True)
