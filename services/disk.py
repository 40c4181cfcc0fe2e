"""How full the disk of the data directory is, and the ballast: a file of nothing that is given up when there is no other room.

It knows no database and no thread. Bytes that the ballast lacks do not count as free: giving it up makes no room for messages.

    reserve = Reserve(data_dir)
    reserve.tend()                  # True while messages may be stored
    reserve.give_up()               # whoever deletes may have it all
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)

BALLAST = "ballast"  # its name in the data directory
LAST = 512 * 1024  # bytes: with less free, nothing can be written down any more
MIB = 1024 * 1024
BLOCK = 128 * 1024  # bytes; the ballast and its half are whole blocks of any file system
LEAST = 12 * MIB  # held back on the smallest disk: more than the databases' logs take between two checkpoints


class Bounds(msgspec.Struct, frozen=True):
    """What is little for a disk of a certain size, in bytes."""

    warn: int
    hold: int
    resume: int
    ballast: int

    @property
    def log(self) -> int:
        """For a database's write-ahead log, and for one transaction: on a full disk the ballast has to take what the log moves."""
        return self.ballast // 4

    @classmethod
    def of(cls, total: int) -> "Bounds":
        hold = max(LEAST, min(256 * MIB, total // 40))
        warn = max(2 * hold, min(1024 * MIB, total // 10))
        ballast = min(64 * MIB, total // 20) // BLOCK * BLOCK
        return cls(warn=warn, hold=hold, resume=hold + hold // 4, ballast=ballast)


class Room(msgspec.Struct, frozen=True):
    """A disk as it is now, in bytes."""

    total: int
    free: int
    ballast: int  # really there

    @property
    def bounds(self) -> Bounds:
        return Bounds.of(self.total)

    @property
    def left(self) -> int:
        """Free beside what the ballast lacks."""
        return max(0, self.free - max(0, self.bounds.ballast - self.ballast))

    @property
    def is_short(self) -> bool:
        return self.left < self.bounds.warn

    def is_within(self, size: int) -> bool:
        """Whether it is short, or `size` bytes more would make it so."""
        return self.left < self.bounds.warn + size


def look(data_dir: Path) -> Room:
    """The disk that `data_dir` is on."""
    disk = os.statvfs(data_dir)
    try:
        ballast = (data_dir / BALLAST).stat().st_blocks * 512
    except FileNotFoundError:
        ballast = 0
    return Room(disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize, ballast)


class Reserve:
    """Keeps the ballast, and knows whether there is room for messages. One process tends it: the supervisor."""

    def __init__(self, data_dir: Path, look: Callable[[Path], Room] = look) -> None:
        self._data_dir, self._look = data_dir, look
        self.is_open = True  # whether messages may be stored
        self._is_missed = False  # the ballast, and that was said
        self.room = look(data_dir)

    def look(self) -> Room:
        self.room = self._look(self._data_dir)
        return self.room

    def tend(self) -> bool:
        """Look, give up ballast when nothing else is left, make it again when there is room. Whether messages may be stored."""
        room = self.look()
        self.is_open = room.left >= (room.bounds.hold if self.is_open else room.bounds.resume)
        if room.free < LAST:
            half = room.bounds.ballast // 2
            self.give_up(half if room.ballast > half else 0)
        elif self.is_open and room.ballast < room.bounds.ballast:
            self._make(room.bounds.ballast)
        return self.is_open

    def give_up(self, keep: int = 0) -> None:
        """Free the ballast but for `keep` bytes."""
        give_up(self._data_dir, keep)
        self.look()

    def close(self) -> None:
        """Nothing may be stored until `tend` finds room again: the disk refused a write."""
        self.is_open = False

    def _make(self, size: int) -> None:
        """The blocks must be there: a file with holes would give nothing back."""
        path = self._data_dir / BALLAST
        try:
            with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            with suppress(FileNotFoundError):
                os.truncate(path, 0)
            if not self._is_missed:
                logger.warning("There is no ballast for the day the disk is full (%s).", error.strerror)
            self._is_missed = True
        else:
            self._is_missed = False
        self.look()


def give_up(data_dir: Path, keep: int = 0) -> None:
    """Free the ballast of a data directory but for `keep` bytes."""
    path = data_dir / BALLAST
    try:
        size = path.stat().st_size
        if size > keep:
            os.truncate(path, keep)
            logger.warning("The disk of %s is full: %d bytes of ballast were given up.", data_dir, size - keep)
    except FileNotFoundError:
        pass  # given up before


def make_way(data_dir: Path) -> None:
    """Before something small must be written down: on a disk that is full to the last byte the ballast goes."""
    if look(data_dir).free < LAST:
        give_up(data_dir)
