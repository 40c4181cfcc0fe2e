"""Whether a program is what it was when an admin allowed it: whoever could put another in its place could run anything under its name.

Part of the cage: it uses the standard library alone. It is asked as the user that the program will run as.
"""

import os
import stat

_MOST_LINKS = 40  # that the kernel follows


def replaceable(program: str) -> bool:
    """Whether we could write the program's file, or put another in its place. Raises OSError for a path that leads nowhere."""
    if any(_exchangeable(folder, name) for folder, name in _way(program)):
        return True
    return os.stat(program).st_uid == os.geteuid() or os.access(program, os.W_OK)


def _way(path: str) -> list[tuple[str, str]]:
    """Every entry of a directory that the kernel goes through, links with their own way."""
    way, at, links = [], "/", 0
    left = path.split("/")
    while left:
        name = left.pop(0)
        if name == "..":
            at = os.path.dirname(at)
        elif name not in ("", "."):
            way.append((at, name))
            place = os.path.join(at, name)
            if not os.path.islink(place):
                at = place
            elif (links := links + 1) <= _MOST_LINKS:
                target = os.readlink(place)
                left = target.split("/") + left
                at = "/" if target.startswith("/") else at
    return way


def _exchangeable(folder: str, name: str) -> bool:
    """Whether we could put something else under this name. Owners count as writers: they can make themselves that."""
    us, above = os.geteuid(), os.stat(folder)
    if above.st_uid == us:
        return True
    if not os.access(folder, os.W_OK):
        return False
    return not above.st_mode & stat.S_ISVTX or os.lstat(os.path.join(folder, name)).st_uid == us
