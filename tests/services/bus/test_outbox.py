"""Busy receivers hold up nobody, and nothing piles up for them."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import NamedTuple

import pytest

from services.bus import names, wire
from services.bus.directory import Directory
from services.bus.outbox import IDLE_TICKS, Outbox, Outcome
from services.bus.parcel import circular, letter
from services.bus.tally import Tally
from tests.waiting import deadline, eventually_async


class Post(NamedTuple):
    """An outbox, and somebody to write to."""

    bus: Directory
    tally: Tally
    outbox: Outbox
    dead: list[str]
    receiver: socket.socket
    address: str

    def letter(self, number: int) -> Outcome:
        return self.outbox.post(self.address, letter("", 0, f"a!{number}", b""))

    def circular(self, text: str) -> Outcome:
        return self.outbox.post(self.address, circular("", 0, "panel", text.encode()))

    def fill(self) -> int:
        """How many letters the kernel took before one had to wait."""
        count = 0
        while self.letter(count) is Outcome.SENT:
            count += 1
        return count

    def read(self) -> list[str]:
        """What has arrived: the local part of each letter, the text of each circular."""
        found = []
        while True:
            try:
                datagram = wire.decode(self.receiver.recv(65_536))
            except BlockingIOError:
                return found
            found.append(
                names.local_part(datagram.channel) if isinstance(datagram, wire.Letter) else datagram.payload.decode()
            )

    async def read_until(self, enough: Callable[[list[str]], bool]) -> list[str]:
        found: list[str] = []
        await eventually_async(lambda: found.extend(self.read()) or enough(found))
        return found


@pytest.fixture
async def post(directory):
    bus, tally, dead = Directory(directory), Tally(), []
    bus.prepare()
    outbox = Outbox(bus, 5, tally, dead.append)
    address = names.new_endpoint()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.setblocking(False)
        bus.bind(receiver, address)
        yield Post(bus, tally, outbox, dead, receiver, address)
        outbox.close(asyncio.get_running_loop())


async def test_what_the_kernel_has_no_room_for_waits_and_arrives_in_order(post):
    count = post.fill()
    assert [post.letter(count + n) for n in (1, 2, 3, 4)] == [Outcome.WAITS] * 4
    found = await post.read_until(lambda found: len(found) == count + 5)
    assert found == [str(number) for number in range(count + 5)]
    assert post.letter(0) is Outcome.SENT


async def test_no_more_waits_than_the_capacity(post):
    post.fill()
    assert [post.letter(0) for _ in range(5)] == [Outcome.WAITS] * 4 + [Outcome.FULL]


async def test_when_full_what_says_the_same_is_merged_into_the_newest(post):
    post.fill()
    for text in ("three", "four", "three", "five"):
        assert post.circular(text) is Outcome.WAITS
    assert post.circular("four") is Outcome.WAITS
    assert post.tally.statistics()["merged"] == 2
    found = await post.read_until(lambda found: len(found) >= 15)
    assert found[-3:] == ["three", "five", "four"]


async def test_letters_are_never_merged(post):
    post.fill()
    assert [post.letter(1) for _ in range(5)] == [Outcome.WAITS] * 4 + [Outcome.FULL]
    assert post.tally.statistics()["merged"] == 0


async def test_a_dead_receiver_is_told_once_and_what_waited_for_it_is_counted(post):
    post.fill()
    post.receiver.close()
    await eventually_async(lambda: post.tally.statistics()["lost_gone"] == 1)
    assert post.letter(1) is Outcome.GONE
    assert post.dead == [post.address]


async def test_a_receiver_with_a_new_socket_under_its_name_is_reached(post):
    post.letter(1)
    post.receiver.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        post.bus.bind(receiver, post.address)
        assert post.letter(2) is Outcome.SENT
        assert receiver.recv(1_000)
    assert post.dead == []


async def test_a_receiver_that_never_was_is_gone(post):
    assert post.outbox.post(names.new_endpoint(), letter("", 0, "a!1", b"")) is Outcome.GONE


@pytest.mark.parametrize("error", [errno.EMFILE, errno.EACCES, errno.ENOMEM])
async def test_what_cannot_be_reached_just_now_is_not_taken_for_dead(post, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, "no")

    monkeypatch.setattr(post.bus, "connect", refuse)
    assert post.letter(1) is Outcome.FAILED
    post.outbox.probe(post.address)
    assert post.dead == []


async def test_the_idle_are_disconnected_and_reached_again(post):
    post.letter(1)
    for _ in range(IDLE_TICKS + 1):
        post.outbox.tick()
    assert post.outbox._peers == {}
    post.letter(2)
    assert post.read() == ["1", "2"]


async def test_the_busy_are_never_taken_for_idle(post):
    count = post.fill()
    for _ in range(10):
        post.outbox.tick()
    assert len(await post.read_until(lambda found: len(found) == count + 1)) == count + 1


async def test_at_the_end_the_busy_get_some_time(post):
    post.fill()
    async with deadline(5):
        await post.outbox.drain(0.05)
    assert post.outbox._waiting()
    post.read()
    async with deadline(5):
        await post.outbox.drain(5)
    assert not post.outbox._waiting()


async def test_forgotten_nothing_waits(post):
    count = post.fill()
    post.outbox.clear()
    assert len(post.read()) == count
    assert post.letter(1) is Outcome.SENT
    assert post.read() == ["1"]
