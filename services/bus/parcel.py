"""A datagram on its way through a socket, in and out: who sent it, and a payload beside it when it is too long for one datagram.

A long payload travels as sealed anonymous memory whose file descriptor goes with the datagram: a stock kernel takes no
datagram of 1 MB. Nothing that arrives is trusted: not the sender, not the descriptor, not the size.
"""

import array
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

from services.bus import wire

_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid
_ANCILLARY = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(array.array("i").itemsize)
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent: the datagram's bytes, and the payload beside it. Those with the same `key` say the same."""

    data: bytes
    beside: bytes
    key: tuple[str, str, bytes] | None  # None: it must not be merged with another


def letter(epoch: str, sent: int, channel: str, payload: bytes) -> Parcel:
    inline, beside = _split(payload)
    return Parcel(wire.encode(wire.Letter(epoch, sent, channel, inline, len(beside))), beside, None)


def circular(epoch: str, sent: int, group: str, payload: bytes) -> Parcel:
    inline, beside = _split(payload)
    key = ("circular", group, payload) if inline else None
    return Parcel(wire.encode(wire.Circular(epoch, sent, group, inline, len(beside))), beside, key)


def note(datagram: wire.Wake | wire.Join | wire.Leave) -> Parcel:
    """One without a payload."""
    key = ("wake", datagram.channel, b"") if isinstance(datagram, wire.Wake) else None
    return Parcel(wire.encode(datagram), b"", key)


def _split(payload: bytes) -> tuple[bytes, bytes]:
    return (payload, b"") if len(payload) <= wire.MAX_INLINE else (b"", payload)


def transmit(sock: socket.socket, parcel: Parcel) -> None:
    """Hand it to the kernel. Raises BlockingIOError when the receiver's queue is full, OSErrors when it is gone."""
    if not parcel.beside:
        sock.send(parcel.data)
        return
    memory = os.memfd_create("bus", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(memory, "wb", closefd=False) as file:
            file.write(parcel.beside)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
        sock.sendmsg([parcel.data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))])
    finally:
        os.close(memory)


def accept(sock: socket.socket) -> None:
    """Make a socket, before it has a name, tell who sent each datagram."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


def collect(sock: socket.socket, limit: int) -> tuple[wire.Datagram | None, bytes]:
    """The next datagram and its payload; (None, b"") for one that must not count. Raises BlockingIOError when none waits."""
    data, ancillary, flags, _ = sock.recvmsg(wire.MAX_DATAGRAM, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
    users, descriptors = _unwrap(ancillary)
    try:
        if flags & socket.MSG_TRUNC or users not in ([os.geteuid()], [0]):
            return None, b""
        return _open(wire.decode(data), descriptors, limit)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _unwrap(ancillary: list[tuple[int, int, bytes]]) -> tuple[list[int], list[int]]:
    users: list[int] = []
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            users.append(_CREDENTIALS.unpack(data)[1])
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return users, list(descriptors)


def _open(datagram: wire.Datagram | None, descriptors: list[int], limit: int) -> tuple[wire.Datagram | None, bytes]:
    if not isinstance(datagram, wire.Letter | wire.Circular):
        return datagram, b""
    if not datagram.beside:
        return datagram, datagram.payload
    payload = _read(descriptors, datagram.beside) if datagram.beside <= limit else None
    return (datagram, payload) if payload is not None else (None, b"")


def _read(descriptors: list[int], size: int) -> bytes | None:
    """The memory's bytes. Only what is sealed is memory for certain: a pipe would hold us up, a file could be cut short."""
    if len(descriptors) != 1:
        return None
    try:
        if fcntl.fcntl(descriptors[0], fcntl.F_GET_SEALS) & _SEALS != _SEALS:
            return None
        payload = os.pread(descriptors[0], size + 1, 0)
    except OSError:
        return None
    return payload if len(payload) == size else None
