"""Landlock (landlock(7), Linux 5.13 and later): what a process and all its children may touch, taken away for good.

Part of the cage: it uses the standard library alone. Where the kernel has no Landlock, `abi()` is 0 and nothing is restricted.
"""

import ctypes
import os
import stat

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # numbers of the system calls, the same on every architecture
_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # rights over a file; the others are over a directory
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # rights over files that each version knows
_NET = 0b11  # bind and connect TCP, since version 4
_SCOPED = 0b11  # abstract UNIX sockets and signals to others, since version 6
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")  # that may be written to
MAX_RULES = 5_000

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The kernel's version of it; 0 where there is none."""
    version = int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))
    return max(version, 0)


def ruleset(*, hidden: str, write: bool, network: bool, alone: bool, scratch: str) -> int:
    """What `enforce` shall take away: all that is under `hidden`; unless allowed, all writing outside `scratch`, and TCP.

    `alone`: also signals to processes outside, and their abstract UNIX sockets. The answer is a descriptor, or -1 where there is no
    Landlock. To be made with the rights that it takes to look into the directories around `hidden`. Raises OSError.
    """
    version = abi()
    if not version:
        return -1
    handled = (1 << _FS_BITS.get(version, 16)) - 1
    attributes = _Ruleset(handled, 0 if network or version < 4 else _NET, _SCOPED if version >= 6 and alone else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _checked(_libc.syscall(_CREATE, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    for path in _around(hidden):
        _allow(rules, path, (handled if write else READ) & handled)
    _allow(rules, "/", READ_DIR)
    for device in _DEVICES:
        _allow(rules, device, (READ_FILE | WRITE_FILE) & handled)
    if scratch:
        _allow(rules, scratch, handled)
    return rules


def enforce(rules: int) -> None:
    """From here on, for this process and all that it starts. It must have given up new privileges before. Raises OSError."""
    if rules >= 0:
        _checked(_libc.syscall(_RESTRICT, rules, ctypes.c_uint32(0)))
        os.close(rules)


def _around(hidden: str) -> list[str]:
    """Paths that together are everything but `hidden`. Links are left out: where they lead is in it, or must not be."""
    if not hidden:
        return ["/"]
    paths, folder = [], "/"
    for name in os.path.realpath(hidden).strip("/").split("/"):
        paths += [entry.path for entry in _entries(folder) if entry.name != name and not entry.is_symlink()]
        folder = os.path.join(folder, name)
    return paths[:MAX_RULES]


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    """None where we may not look: then nothing in it is allowed."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _allow(rules: int, path: str, rights: int) -> None:
    """What cannot be opened is not allowed: it may have gone meanwhile."""
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= _FILE
        rule = _PathBeneath(rights, target)
        _checked(_libc.syscall(_ADD, rules, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0)))
    finally:
        os.close(target)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock refused")
    return int(result)
