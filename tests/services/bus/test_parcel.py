"""Datagrams with what travels beside them; nothing that arrives is trusted."""

import array
import fcntl
import os
import socket
import subprocess
import sys

import pytest

from services.bus import wire
from services.bus.parcel import accept, circular, collect, letter, note, transmit

LIMIT = 1_000_000


@pytest.fixture
def pair():
    receiver, sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    accept(receiver)
    receiver.setblocking(False)
    with receiver, sender:
        yield receiver, sender


@pytest.fixture
def open_files():
    """Asserts that a test leaves no file open."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize("size", [0, wire.MAX_INLINE, wire.MAX_INLINE + 1, LIMIT])
def test_a_payload_arrives_however_long(open_files, pair, size):
    receiver, sender = pair
    payload = os.urandom(size)
    transmit(sender, circular("epoch", 5, "panel", payload))
    datagram, arrived = collect(receiver, LIMIT)
    assert (datagram.group, datagram.epoch, datagram.sent, arrived) == ("panel", "epoch", 5, payload)


def test_a_note_arrives_without_a_payload(pair):
    receiver, sender = pair
    transmit(sender, note(wire.Wake("", 0, "jobs")))
    assert collect(receiver, LIMIT) == (wire.Wake("", 0, "jobs"), b"")


def test_those_that_say_the_same_have_the_same_key_and_a_letter_has_none():
    assert circular("", 1, "panel", b"x").key == circular("", 2, "panel", b"x").key
    assert circular("", 1, "panel", b"x").key != circular("", 1, "other", b"x").key
    assert letter("", 1, "a!b", b"x").key is None


def test_no_datagram_is_no_error_of_its_own(pair):
    with pytest.raises(BlockingIOError):
        collect(pair[0], LIMIT)


@pytest.mark.parametrize("data", [b"", b"\xff", b"x" * 70_000])
def test_what_is_no_datagram_does_not_count(pair, data):
    receiver, sender = pair
    sender.send(data)
    assert collect(receiver, LIMIT) == (None, b"")


def sealed(size, seals=fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE):
    memory = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(memory, b"x" * size)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
    return memory


def pipe():
    reader, writer = os.pipe()
    os.close(writer)
    return reader


BESIDE = {
    "nothing": list,
    "a pipe that would hold us up": lambda: [pipe()],
    "a file that can be cut short": lambda: [os.open("/etc/passwd", os.O_RDONLY)],
    "memory that can still change": lambda: [sealed(100, fcntl.F_SEAL_SHRINK)],
    "too little": lambda: [sealed(99)],
    "too much": lambda: [sealed(101)],
    "two": lambda: [sealed(100), sealed(100)],
    "a hundred": lambda: [sealed(100) for _ in range(100)],
}


@pytest.mark.parametrize("make", BESIDE.values(), ids=BESIDE.keys())
def test_what_lies_beside_is_not_believed(open_files, pair, make):
    receiver, sender = pair
    descriptors = make()
    data = wire.encode(wire.Letter("", 1, "a!b", b"", 100))
    sender.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
    for descriptor in descriptors:
        os.close(descriptor)
    assert collect(receiver, LIMIT) == (None, b"")


def test_a_descriptor_beside_a_datagram_that_names_none_is_closed(open_files, pair):
    receiver, sender = pair
    memory = sealed(10)
    data = wire.encode(wire.Wake("", 1, "jobs"))
    sender.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))])
    os.close(memory)
    assert collect(receiver, LIMIT) == (wire.Wake("", 1, "jobs"), b"")


def test_a_payload_over_the_limit_does_not_count(open_files, pair):
    receiver, sender = pair
    transmit(sender, letter("", 1, "a!b", b"x" * (LIMIT + 1)))
    assert collect(receiver, LIMIT) == (None, b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can send as somebody else")
def test_a_datagram_of_another_user_does_not_count(pair):
    receiver, sender = pair
    data = wire.encode(wire.Wake("", 1, "jobs"))
    script = f"import os, socket; os.setuid(65534); socket.socket(fileno={sender.fileno()}).send({data!r})"
    subprocess.run([sys.executable, "-c", script], pass_fds=[sender.fileno()], check=True)
    assert collect(receiver, LIMIT) == (None, b"")
