"""What waits in a loop's channels: bounded, in order, and not for ever."""

import pytest

from services.bus import mailbox as module
from services.bus.mailbox import Mailbox


class Watched(Mailbox):
    """A mailbox with a clock of its own, that notes what it tells."""

    def __init__(self, capacity=3):
        self.now, self.expired_count, self.told = 1_000, 0, []
        super().__init__(lambda channel: capacity, 100, self._count, self._told, clock=lambda: self.now)

    def _count(self, count):
        self.expired_count += count

    def _told(self, prefix, full):
        self.told.append((prefix, full))


@pytest.fixture
def mailbox():
    return Watched()


def test_what_came_first_is_taken_first(mailbox):
    mailbox.put("a!1", b"1", 1_000)
    mailbox.put_copies(["a!1"], b"2", 1_000)
    assert [mailbox.take("a!1"), mailbox.take("a!1"), mailbox.take("a!1")] == [("a!1", b"1"), ("a!1", b"2"), None]


def test_a_prefix_takes_from_its_channels_in_the_order_of_arrival(mailbox):
    for number, channel in enumerate(["a!1", "a!2", "a!1", "b!1"]):
        mailbox.put(channel, b"%d" % number, 1_000)
    assert [mailbox.take("a!")[1] for _ in range(3)] == [b"0", b"1", b"2"]
    assert mailbox.take("a!") is None


def test_a_prefix_becomes_full_and_has_room_again_and_says_so(mailbox):
    assert [mailbox.put(f"a!{number}", b"", 1_000) for number in range(4)] == [True, True, True, False]
    mailbox.take("a!0")
    assert mailbox.put("a!9", b"", 1_000)
    assert mailbox.told == [("a!", True), ("a!", False), ("a!", True)]


def test_copies_fill_only_their_own_channel(mailbox):
    for _ in range(3):
        assert mailbox.put_copies(["a!1"], b"", 1_000) == []
    assert mailbox.put_copies(["a!1", "a!2"], b"", 1_000) == ["a!1"]
    assert not mailbox.put("a!1", b"", 1_000)
    assert mailbox.put("a!2", b"", 1_000)


def test_what_is_too_old_is_neither_taken_nor_in_the_way(mailbox):
    for channel in ("a!1", "a!2", "a!3"):
        mailbox.put(channel, b"old", 1_000)
    mailbox.now = 1_101
    assert mailbox.put("a!1", b"new", 1_101)
    assert mailbox.take("a!1") == ("a!1", b"new")
    assert mailbox.expired_count == 3
    assert len(mailbox) == 0


def test_what_is_just_old_enough_is_taken(mailbox):
    mailbox.put("a!1", b"", 1_000)
    mailbox.now = 1_100
    assert mailbox.take("a!1")


def test_a_message_from_the_future_lives_no_longer_than_others(mailbox):
    mailbox.put("a!1", b"", 10**18)
    mailbox.now = 1_101
    assert mailbox.take("a!1") is None


def test_all_channels_together_hold_a_bounded_number_of_bytes(mailbox, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    assert mailbox.put("a!1", b"x" * 10, 1_000)
    assert not mailbox.put("b!1", b"", 1_000)
    assert mailbox.put_copies(["c!1"], b"", 1_000) == ["c!1"]
    mailbox.take("a!1")
    assert mailbox.put("b!1", b"", 1_000)


def test_the_copies_of_a_message_hold_its_bytes_once(mailbox, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    assert mailbox.put_copies([f"a!{n}" for n in range(5)], b"x" * 9, 1_000) == []
    for number in range(5):
        mailbox.take(f"a!{number}")
    assert mailbox.put("b!1", b"x" * 10, 1_000)
    assert not mailbox.put("b!1", b"", 1_000)


def test_cleared_it_is_as_new(mailbox):
    for _ in range(3):
        mailbox.put("a!1", b"", 1_000)
    mailbox.clear()
    assert len(mailbox) == 0
    assert mailbox.told[-1] == ("a!", False)
    assert mailbox.put("a!1", b"", 1_000)
