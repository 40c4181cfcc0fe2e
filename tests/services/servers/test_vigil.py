"""Each deadline cuts within a moment of its time, and never a peer that could not help it."""

import pytest

from services.servers.spec import Framing, Limits
from services.servers.vigil import Vigil, is_needed
from tests.services.servers.looping import Loop


class Watched:
    """A connection under a vigil: by which rule and when it was cut."""

    def __init__(self, **limits: float) -> None:
        self.loop = Loop()
        self.cuts: list[tuple[str, float]] = []
        self.left = 0
        self.vigil = Vigil(Limits(**limits), self.loop, self)
        self._began = self.loop.now

    def unsent(self) -> int:
        return self.left

    def cut(self, rule: str, why: str) -> None:
        assert why
        self.cuts.append((rule, round(self.loop.now - self._began, 2)))


def test_whoever_says_nothing_is_cut_and_whoever_says_one_byte_is_not():
    silent, other = Watched(first_byte_timeout=10), Watched(first_byte_timeout=10)
    other.vigil.came(is_half=False, is_new=True)
    silent.loop.passes(9.99)
    assert silent.cuts == []
    silent.loop.passes(100)
    other.loop.passes(100)
    assert (silent.cuts, other.cuts) == ([("first-byte", 10)], [])


def test_a_frame_has_its_time_from_its_first_byte_however_it_trickles():
    it = Watched(frame_timeout=30)
    it.loop.passes(100)
    for _ in range(40):
        it.vigil.came(is_half=True, is_new=False)
        it.loop.passes(1)
    assert it.cuts == [("frame", 130)]


def test_frames_that_end_in_time_are_never_cut_though_each_read_begins_another():
    it = Watched(frame_timeout=30)
    for _ in range(100):
        it.vigil.came(is_half=True, is_new=True)
        it.loop.passes(1)
    assert it.cuts == []
    it.vigil.came(is_half=False, is_new=True)
    it.loop.passes(100)
    assert (it.cuts, it.loop.timers) == ([], 0)


def test_a_frame_that_begins_late_is_cut_in_time_though_idleness_has_longer():
    it = Watched(frame_timeout=30, idle_timeout=1000)
    it.loop.passes(500)
    it.vigil.came(is_half=True, is_new=True)
    it.loop.passes(31)
    assert it.cuts == [("frame", 530)]


def test_silence_both_ways_is_cut_and_any_byte_counts():
    it = Watched(idle_timeout=10, frame_timeout=0)
    it.loop.passes(8)
    it.vigil.came(is_half=False, is_new=True)
    it.loop.passes(8)
    it.vigil.went()
    it.loop.passes(9)
    assert it.cuts == []
    it.loop.passes(2)
    assert it.cuts == [("idle", 26)]


def test_a_peer_that_takes_what_waits_for_it_is_not_idle():
    it = Watched(idle_timeout=10)
    it.left = 1000
    it.loop.passes(10.1)
    assert it.cuts == [("idle", 10)]
    other = Watched(idle_timeout=10)
    for left in (2000, 1000, 500):
        other.vigil._left, other.left = left, left - 100
        other.loop.passes(10)
    assert other.cuts == []


@pytest.mark.parametrize("limits", [{"first_byte_timeout": 10}, {"idle_timeout": 10}, {"frame_timeout": 10}])
def test_time_in_which_we_did_not_read_does_not_count(limits):
    it = Watched(**limits)
    if "frame_timeout" in limits:
        it.vigil.came(is_half=True, is_new=True)
    it.loop.passes(6)
    it.vigil.pause()
    it.loop.passes(95)
    it.vigil.resume()
    it.loop.passes(3)
    assert it.cuts == []
    it.loop.passes(2)
    assert [when for _, when in it.cuts] == [105]


def test_a_pause_resets_nothing():
    """Else whoever keeps the server busy would keep everybody's half frames alive."""
    it = Watched(frame_timeout=10)
    it.vigil.came(is_half=True, is_new=True)
    for _ in range(30):
        it.loop.passes(0.9)
        it.vigil.pause()
        it.loop.passes(0.1)
        it.vigil.resume()
    assert it.cuts[0] == ("frame", pytest.approx(11.1, abs=0.2))


def test_the_end_leaves_no_timer():
    it = Watched(idle_timeout=10)
    it.vigil.end()
    it.loop.passes(100)
    assert (it.cuts, it.loop.timers) == ([], 0)


def test_a_message_a_millisecond_costs_one_timer_in_a_while():
    it = Watched(idle_timeout=10, frame_timeout=30)
    looks = it.loop._count
    for _ in range(20_000):
        it.vigil.came(is_half=True, is_new=True)
        it.loop.passes(0.001)
    assert it.loop._count - looks <= 4


@pytest.mark.parametrize(
    ("limits", "framing", "needed"),
    [
        ({}, "none", False),
        ({}, "line", True),
        ({"frame_timeout": 0}, "line", False),
        ({"idle_timeout": 1}, "none", True),
        ({"first_byte_timeout": 1}, "none", True),
    ],
)
def test_nobody_is_watched_without_a_deadline(limits, framing, needed):
    assert is_needed(Limits(**limits), Framing(type=framing)) is needed


def test_what_comes_at_the_end_of_a_pause_begins_then_and_no_later():
    """What had come before the pause is handled before the peer is read again."""
    it = Watched(frame_timeout=30, idle_timeout=60)
    it.vigil.pause()
    it.loop.passes(615)
    it.vigil.came(is_half=True, is_new=True)
    it.vigil.went()
    it.vigil.resume()
    it.loop.passes(31)
    assert it.cuts == [("frame", 645)]
    other = Watched(idle_timeout=60)
    other.vigil.pause()
    other.loop.passes(615)
    other.vigil.went()
    other.vigil.resume()
    other.loop.passes(61)
    assert other.cuts == [("idle", 675)]
