"""The socket that others write to."""

import asyncio
import os
import socket

import pytest

from services.bus import names, wire
from services.bus.directory import Directory
from services.bus.inbox import Inbox
from tests.waiting import eventually_async


class Watched(Inbox):
    """An inbox that keeps what arrives."""

    def __init__(self, path):
        self.bus, self.address, self.got = Directory(path), names.new_endpoint(), []
        self.bus.prepare()
        super().__init__(self.bus, self.address, 1_000, lambda *arrived: self.got.append(arrived))

    def tell(self, data):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            self.bus.connect(sender, self.address)
            sender.send(data)


@pytest.fixture
async def inbox(directory):
    inbox = Watched(directory)
    inbox.open()
    yield inbox
    inbox.close(asyncio.get_running_loop())


async def test_what_arrives_is_handed_on_and_what_is_malformed_too(inbox):
    inbox.tell(wire.encode(wire.Wake("", 0, "jobs")))
    inbox.tell(b"nonsense")
    await eventually_async(lambda: len(inbox.got) == 2)
    assert inbox.got == [(wire.Wake("", 0, "jobs"), b""), (None, b"")]


async def test_it_has_a_file_again_when_somebody_removed_it(inbox):
    assert not inbox.reopen_if_removed()
    os.unlink(inbox.bus.endpoints / inbox.address)
    assert inbox.reopen_if_removed()
    inbox.tell(b"nonsense")
    await eventually_async(lambda: inbox.got)


async def test_closed_it_is_open_no_more(inbox):
    inbox.close(asyncio.get_running_loop())
    assert not inbox.is_open
    with pytest.raises(ConnectionRefusedError):
        inbox.tell(b"")


async def test_a_failure_to_keep_what_arrived_is_told_and_ends_nothing(directory, caplog):
    inbox = Watched(directory)
    failures = [OSError("the disk is full")]

    def arrived(*what):
        if failures:
            raise failures.pop()
        inbox.got.append(what)

    inbox._arrived = arrived
    inbox.open()
    inbox.tell(b"1")
    inbox.tell(b"2")
    await eventually_async(lambda: inbox.got)
    assert "the disk is full" in caplog.text
    inbox.close(asyncio.get_running_loop())
