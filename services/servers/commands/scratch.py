"""A directory for one command to write in: made for its user alone, and removed with whatever is in it.

Part of the cage: it uses the standard library alone. What stands in the directory is its user's work, and may be made to trap whoever
removes it (links, a tree deeper than a path is long, directories closed to their owner): it is removed as that user, never as root.
"""

import os
import time

CLEAN_WITHIN = 0.2  # seconds to remove it, before the removal goes on without us
GIVE_UP_AFTER = 600.0  # seconds


def make(parent: str, user: tuple[int, int] | None) -> str:
    """Its path. Raises OSError."""
    folder = f"{parent}/sockpanel-{os.urandom(16).hex()}"
    os.mkdir(folder, 0o700)
    if user:
        os.chown(folder, *user)
    return folder


def remove(folder: str, user: tuple[int, int] | None) -> None:
    """Removed when this returns, unless that takes long: then a process of its own goes on with it."""
    if not folder:
        return
    try:
        pid = os.fork()
    except OSError:
        return  # it stays: that is no reason to lose how the command ended
    if pid == 0:
        try:
            become(user)
            _empty(folder)
        finally:
            os._exit(0)
    deadline = time.monotonic() + CLEAN_WITHIN
    while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.001)


def become(user: tuple[int, int] | None) -> None:
    """Be this user, without groups, for good. Raises OSError."""
    if user:
        os.setgroups([])
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])


def _empty(folder: str) -> None:
    """Without recursion: each directory in the way is moved to the top before its turn comes, so that no path grows long."""
    deadline = time.monotonic() + GIVE_UP_AFTER
    os.chmod(folder, 0o700)
    os.chdir(folder)
    moved = 0
    while (directories := _directories(".")) and time.monotonic() < deadline:
        for directory in directories:
            os.chmod(directory, 0o700)
            for name in _directories(directory):
                moved += 1
                os.chmod(f"{directory}/{name}", 0o700)
                os.rename(f"{directory}/{name}", f"{moved}.{os.urandom(8).hex()}")
            os.rmdir(directory)
    os.rmdir(folder)


def _directories(folder: str) -> list[str]:
    """Those in a folder; whatever else is in it is removed."""
    found = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.name)
            else:
                os.unlink(entry.path)
    return found
