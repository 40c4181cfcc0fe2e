"""seccomp (seccomp(2)): no sockets but those to ask the kernel (netlink), for a process and all that it starts.

Part of the cage: it uses the standard library alone. Landlock takes TCP away and knows nothing of UDP, ICMP or UNIX sockets. Refused
calls fail with EACCES. On processors that are not in the table nothing is forbidden.
"""

import ctypes
import errno
import os
import struct
import sys

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_NETLINK = 16
_IO_URING_SETUP = 425  # everywhere; it can make sockets without `socket`
_X32 = 0x4000_0000  # bit in the numbers of another set of calls on x86-64

# What the kernel calls an architecture (linux/audit.h) -> number of `socket`, numbers of further calls that make sockets
_X86_64, _I386, _AARCH64, _ARM, _RISCV64 = 0xC000_003E, 0x4000_0003, 0xC000_00B7, 0x4000_0028, 0xC000_00F3
# ... and those that make what outlives a process or leads deeper into the kernel: shmget, semget, msgget, unshare (and ipc)
_CALLS = {
    _X86_64: (41, (29, 64, 68, 272)),
    _I386: (359, (102, 117, 395, 393, 399, 310)),
    _AARCH64: (198, (194, 190, 186, 97)),
    _ARM: (281, (307, 299, 303, 337)),
    _RISCV64: (198, (194, 190, 186, 97)),
}
_MACHINES = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64, _ARM), "riscv64": (_RISCV64,)}

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: load a word, compare, answer
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16 if sys.byteorder == "little" else 20  # places in struct seccomp_data
_ALLOW, _FAIL = 0x7FFF_0000, 0x0005_0000 | errno.EACCES

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def forbid_sockets() -> None:
    """From here on. The process must have given up new privileges before. A kernel without seccomp forbids nothing. Raises OSError."""
    code = b"".join(struct.pack("HBBI", *step) for step in _filter(_MACHINES.get(os.uname().machine, ())))
    program = _Program(len(code) // 8, code)
    refused = (
        bool(code) and _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program), 0, 0) != 0
    )
    if refused and ctypes.get_errno() != errno.EINVAL:
        raise OSError(ctypes.get_errno(), "seccomp refused")


def _filter(architectures: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Steps of BPF: operation, steps to skip when it holds, steps to skip when not, operand."""
    steps = []
    for architecture in architectures:
        block = _block(architecture)
        steps += [(_LOAD, 0, 0, _ARCHITECTURE), (_JUMP_EQUAL, 0, len(block), architecture), *block]
    return [*steps, (_RETURN, 0, 0, _FAIL)] if steps else []


def _block(architecture: int) -> list[tuple[int, int, int, int]]:
    """What becomes of a call of this architecture."""
    socket, others = _CALLS[architecture]
    fail, allow = (_RETURN, 0, 0, _FAIL), (_RETURN, 0, 0, _ALLOW)
    steps = [(_LOAD, 0, 0, _NUMBER)]
    if architecture == _X86_64:
        steps += [(_JUMP_GREATER, 0, 1, _X32), fail]
    for number in (_IO_URING_SETUP, *others):
        steps += [(_JUMP_EQUAL, 0, 1, number), fail]
    return [
        *steps,
        (_JUMP_EQUAL, 1, 0, socket),
        allow,
        (_LOAD, 0, 0, _FIRST),
        (_JUMP_EQUAL, 0, 1, _NETLINK),
        allow,
        fail,
    ]
