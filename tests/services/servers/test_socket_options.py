"""What the kernel tells about a socket."""

import socket
import struct

from services.servers import socket_options
from services.servers.socket_options import IP_PKTINFO


def test_counts_the_datagrams_that_did_not_fit():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as full,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        full.bind(("127.0.0.1", 0))
        assert socket_options.drops(full) == 0
        for _ in range(100):
            sender.sendto(b"x" * 500, full.getsockname())
        full.setblocking(False)
        fitted = 0
        try:
            while full.recv(1000):
                fitted += 1
        except BlockingIOError:
            pass
        assert fitted + socket_options.drops(full) == 100


def test_a_socket_that_cannot_tell_has_dropped_nothing():
    closed = socket.socket()
    closed.close()
    assert socket_options.drops(closed) == 0


def test_an_answer_leaves_from_the_address_that_was_written_to():
    came = struct.pack("=I4s4s", 7, b"\x7f\0\0\2", b"\x7f\0\0\2")
    [(level, kind, data)] = socket_options.answer_control([(socket.IPPROTO_IP, IP_PKTINFO, came)])
    assert (level, kind, data) == (socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, b"\x7f\0\0\2", b"\0\0\0\0"))


def test_an_interface_is_named_only_where_the_address_is_nothing_without_it():
    link, world = b"\xfe\x80" + b"\0" * 13 + b"\1", b"\x20\1" + b"\0" * 13 + b"\1"
    for address, interface in ((link, 7), (world, 0)):
        came = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16sI", address, 7))]
        [(_, _, data)] = socket_options.answer_control(came)
        assert struct.unpack("=16sI", data) == (address, interface)


def test_nobody_answers_from_a_multicast_group():
    came = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16sI", b"\xff" * 16, 7)), (1, 40, b"\0\0\0\0")]
    assert socket_options.answer_control(came) == []
