"""One supervisor per data directory and node: a lock on a file that says who has it, and that the kernel frees when he dies.

An open-file-description lock (fcntl(2)): it can be asked about without being touched. The file is never removed: whoever waits for the
lock of a file that somebody else removes has a lock on nothing.

    with SupervisorLock(data_dir, "local"):
        ...
"""

import fcntl
import os
import struct
from pathlib import Path
from types import TracebackType

from services.errors import AlreadySupervised

_FLOCK = "hhqqi0q"  # struct flock: type, whence, start, length, pid; as long as the whole file


class SupervisorLock:
    """Held from `acquire` to `release`, or to the end of the process."""

    def __init__(self, data_dir: Path, node: str) -> None:
        self._path = lock_path(data_dir, node)
        self._node = node
        self._descriptor = -1

    def acquire(self) -> None:
        """Raises AlreadySupervised when somebody else has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _wish(fcntl.F_WRLCK))
        except OSError:
            pid = _pid(descriptor)
            os.close(descriptor)
            raise AlreadySupervised(
                f'Another supervisor{f", pid {pid}," if pid else ""} runs the node "{self._node}" of {self._path.parent}: '
                "stop it, or choose another SOCKPANEL_NODE or SOCKPANEL_DATA_DIR."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """No harm when it is not held."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "SupervisorLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(data_dir: Path, node: str) -> int | None:
    """The pid of the supervisor that runs the node now; None when there is none, or it is only just beginning."""
    try:
        descriptor = os.open(lock_path(data_dir, node), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _wish(fcntl.F_WRLCK))
        return None if struct.unpack(_FLOCK, answer)[0] == fcntl.F_UNLCK else _pid(descriptor)
    finally:
        os.close(descriptor)


def lock_path(data_dir: Path, node: str) -> Path:
    """Where the lock of a node is."""
    return Path(data_dir) / f"supervisor-{node}.lock"


def _wish(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


def _pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
