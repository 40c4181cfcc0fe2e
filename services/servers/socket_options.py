"""What Linux knows about sockets and Python's socket module does not: option numbers, and two things that they tell."""

import socket
import struct

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to

# asm-generic/socket.h, linux/in.h
SO_RCVBUFFORCE, SO_MEMINFO = 33, 55
IP_PKTINFO = 8

_MEMINFO = struct.Struct("=9I")  # linux/sock_diag.h: SK_MEMINFO_DROPS is the last of the first nine
_PKTINFO = struct.Struct("=I4s4s")  # ip(7): interface, local address to answer from, destination in the header
_PKTINFO6 = struct.Struct("=16sI")  # ipv6(7): destination, interface

Control = list[tuple[int, int, bytes]]  # what recvmsg gives and sendmsg takes


def drops(sock: socket.socket) -> int:
    """Datagrams that the kernel dropped at this socket since it was opened, modulo 2**32; 0 where it does not tell.

    Asked for rather than read from SO_RXQ_OVFL, which speaks only with a datagram that did fit in afterwards.
    """
    try:
        return int(_MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))[8])
    except (OSError, struct.error):
        return 0


def control_room(sock: socket.socket, host: str) -> int:
    """Bytes of control data that recvmsg needs to see whom a datagram was for; 0 when that cannot differ."""
    return 256 if host in WILDCARDS and sock.family in (socket.AF_INET, socket.AF_INET6) else 0


def destination(received: Control) -> tuple[str, int] | None:
    """The address that a datagram was for, with no port; None where the kernel did not tell."""
    for level, kind, data in received:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) >= _PKTINFO.size:
            return socket.inet_ntop(socket.AF_INET, _PKTINFO.unpack_from(data)[2]), 0
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) >= _PKTINFO6.size:
            return socket.inet_ntop(socket.AF_INET6, _PKTINFO6.unpack_from(data)[0]), 0
    return None


def answer_control(received: Control) -> Control:
    """Control data that makes an answer leave from the address that was written to; empty when there is none such."""
    for level, kind, data in received:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) >= _PKTINFO.size:
            _, local, _ = _PKTINFO.unpack_from(data)
            return [(level, kind, _PKTINFO.pack(0, local, b"\0\0\0\0"))]  # whichever interface leads there
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) >= _PKTINFO6.size:
            local, interface = _PKTINFO6.unpack_from(data)
            if local[0] != 0xFF:  # nobody answers from a multicast group
                return [(level, kind, _PKTINFO6.pack(local, interface if local[0] == 0xFE else 0))]
    return []
