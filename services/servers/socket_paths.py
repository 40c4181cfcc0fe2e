"""The files of UNIX sockets: which may be taken, and what stands in the way of the others.

A socket file that nobody listens on is a leftover and is removed; one that somebody listens on, and any other file, is left alone.
"""

import errno
import os
import socket
import stat
from pathlib import Path

from services.errors import AddressInUse, BindError, SocketPathRefused
from services.servers import socket_holder

MODE = 0o660  # whoever shares our group may talk to it


def bind(sock: socket.socket, path: str) -> None:
    """Bind `sock` to `path`. Raises AddressInUse, SocketPathRefused or OSError."""
    if _is_leftover(path):
        os.unlink(path)
    os.fchmod(sock.fileno(), MODE)  # bind gives the file this mode less the umask: never more than it may have
    sock.bind(path)
    os.chmod(path, MODE)


def check(path: str) -> None:
    """Raises AddressInUse or SocketPathRefused when `bind` would. Changes nothing."""
    _is_leftover(path)
    folder = Path(path).parent
    if not folder.is_dir():
        raise explained(NotADirectoryError(errno.ENOTDIR if folder.exists() else errno.ENOENT, ""), path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise explained(PermissionError(errno.EACCES, ""), path)


def remove(path: str) -> None:
    """Remove the file of a socket that was ours. Nothing happens where it is gone or is no socket."""
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except OSError:
        pass  # gone, or in a folder that is no longer ours: the next start says so


def explained(error: OSError, path: str) -> BindError:
    """The error that a person is told when `path` cannot be bound."""
    folder = Path(path).parent
    match error.errno:
        case errno.EADDRINUSE:
            return AddressInUse(
                f"{path} was taken by {socket_holder.of_path(path)} just now: choose another path.", field="host"
            )
        case errno.ENOENT:
            reason = f"the folder {folder} does not exist: make it or choose another path."
        case errno.ENOTDIR:
            reason = f"{folder} is no folder: choose another path."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            reason = f"this user may not write to {folder}: choose another path."
        case errno.ENAMETOOLONG:
            reason = "the path is too long: choose a shorter one."
        case _:
            reason = f"{error.strerror or error}: choose another path."
    return SocketPathRefused(f"No socket can be made at {path}: {reason}", field="host")


def _is_leftover(path: str) -> bool:
    """Whether the file of a dead socket lies at `path`; False where there is none. Raises for all else that lies there."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise explained(error, path) from error
    if not stat.S_ISSOCK(mode):
        raise SocketPathRefused(
            f"{path} is occupied by a file that is no socket: remove it or choose another path.", field="host"
        )
    if _is_alive(path):
        raise AddressInUse(
            f"{path} is in use by {socket_holder.of_path(path)}: stop it or choose another path.", field="host"
        )
    return True


def _is_alive(path: str) -> bool:
    """Whether anybody would get what is sent to `path`; a socket that we may not ask counts as alive."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:  # connecting a datagram socket disturbs nobody
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # EPROTOTYPE: somebody listens, but for streams
    return True
