"""One supervisor per data directory and node: a lock on a file that says who has it, and that the kernel frees when he dies.

An open-file-description lock (fcntl(2)): it can be asked about without being touched. The file is never removed: whoever waits for the
lock of a file that somebody else removes has a lock on nothing. It keeps its length, so that it can be written on a full disk.

    with SupervisorLock(data_dir, "local", started_at) as held:
        held.note("SP-4001 The disk is full: free some space.")
"""

import fcntl
import logging
import os
import struct
from pathlib import Path
from types import TracebackType

import msgspec

from services.errors import AlreadySupervised, StartFailed

logger = logging.getLogger(__name__)

_FLOCK = "hhqqi0q"  # struct flock: type, whence, start, length, pid; as long as the whole file
_HEAD, _LENGTH = 128, 2048  # bytes of the first line, and of the file


class Record(msgspec.Struct, frozen=True):
    """The first line of the file: who has the lock, or had it last."""

    pid: int = 0  # 0: it was released
    started_at: int = 0  # microseconds since 1970; 0: not known
    deaths: int = 0  # supervisors before this one that died young, one after the other
    is_sound: int = 1  # whether it has lived for a while, or ended as it should

    def line(self) -> bytes:
        return f"{self.pid} {self.started_at} {self.deaths} {self.is_sound}\n".encode().ljust(_HEAD, b"\0")

    @property
    def deaths_in_a_row(self) -> int:
        """When it is dead, its own among them."""
        return 0 if self.is_sound else self.deaths + 1


class SupervisorLock:
    """Held from `acquire` to `release`, or to the end of the process."""

    def __init__(self, data_dir: Path, node: str, started_at: int = 0) -> None:
        self._path = lock_path(data_dir, node)
        self._node = node
        self._record = Record(os.getpid(), started_at, 0, 0)
        self._descriptor = -1

    def acquire(self) -> None:
        """Raises AlreadySupervised when somebody else has it, StartFailed when it cannot be written."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _wish(fcntl.F_WRLCK))
        except OSError:
            pid = _read(descriptor).pid
            os.close(descriptor)
            raise AlreadySupervised(
                f'Another supervisor{f", pid {pid}," if pid else ""} runs the node "{self._node}" of {self._path.parent}: '
                "stop it, or choose another SOCKPANEL_NODE or SOCKPANEL_DATA_DIR."
            ) from None
        self._record = msgspec.structs.replace(self._record, deaths=_read(descriptor).deaths_in_a_row)
        try:
            os.pwrite(descriptor, self._record.line().ljust(_LENGTH, b"\0"), 0)
        except OSError as error:
            os.close(descriptor)
            raise StartFailed(f"{self._path} cannot be written ({error.strerror}): free some space.") from error
        self._descriptor = descriptor

    def note(self, text: str) -> None:
        """Keep a code and a sentence for whoever asks about trouble; "" when all is well. What cannot be kept is logged."""
        room = _LENGTH - _HEAD
        self._write(text.encode()[:room].ljust(room, b"\0"), _HEAD)

    def settle(self) -> None:
        """It has lived for a while: should it die now, it did not die young."""
        self._record = msgspec.structs.replace(self._record, is_sound=1)
        self._write(self._record.line(), 0)

    def release(self, is_sound: bool = True) -> None:
        """No harm when it is not held."""
        if self._descriptor >= 0:
            self.note("")
            is_sound = is_sound or bool(self._record.is_sound)
            self._write(msgspec.structs.replace(self._record, pid=0, is_sound=int(is_sound)).line(), 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes, at: int) -> None:
        """Nothing when it is not held. Whoever supervises goes on without what cannot be written."""
        if self._descriptor < 0:
            return
        try:
            os.pwrite(self._descriptor, data, at)
        except OSError as error:
            logger.warning("%s cannot be written (%s): look at its disk.", self._path, error.strerror)

    def __enter__(self) -> "SupervisorLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(is_sound=kind is None)


def holder(data_dir: Path, node: str) -> int | None:
    """The pid of the supervisor that runs the node now; None when there is none, or it is only just beginning."""
    return look(data_dir, node)[0]


def trouble(data_dir: Path, node: str) -> str:
    """What the supervisor of the node noted: a code and a sentence. Empty when all is well, or nobody supervises."""
    return look(data_dir, node)[2]


def look(data_dir: Path, node: str) -> tuple[int | None, Record, str]:
    """The pid of who has the lock, the record of who has or had it, and the note of who has it."""
    try:
        descriptor = os.open(lock_path(data_dir, node), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, Record(), ""
    try:
        record = _read(descriptor)
        if not _is_held(descriptor):
            return None, record, ""
        note = os.pread(descriptor, _LENGTH - _HEAD, _HEAD).partition(b"\0")[0]
        return record.pid or None, record, note.decode(errors="ignore")
    finally:
        os.close(descriptor)


def lock_path(data_dir: Path, node: str) -> Path:
    """Where the lock of a node is."""
    return Path(data_dir) / f"supervisor-{node}.lock"


def _wish(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


def _is_held(descriptor: int) -> bool:
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _wish(fcntl.F_WRLCK))
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)


def _read(descriptor: int) -> Record:
    """A file from before has the pid alone; one that was just made, nothing."""
    words = os.pread(descriptor, _HEAD, 0).partition(b"\n")[0].split()
    return Record(*map(int, words)) if words and len(words) <= 4 and all(map(bytes.isdigit, words)) else Record()
