"""Large frames get their places in turn, and what all hold is counted."""

from services.servers import room
from services.servers.room import Room
from services.servers.waiting import ROOM as REASON
from tests.services.servers.looping import Loop


class Stream:
    def __init__(self) -> None:
        self.reasons: list[int] = []
        self.is_read = True
        self.overstayed = 0

    def overstays(self) -> bool:
        self.overstayed += self.is_read
        return self.is_read

    def go_on(self, reason: int) -> None:
        self.reasons.append(reason)


def full(streams: int = 3) -> tuple[Room, list[Stream]]:
    """A room with two places, and who asked for one."""
    place, all_of_them = Room(room.LARGE // 2, Loop()), [Stream() for _ in range(streams)]
    return place, all_of_them


def test_as_many_large_frames_are_read_as_fit_and_others_wait_for_their_turn():
    place, (one, two, three) = full()
    assert [place.admits(stream) for stream in (one, two, three)] == [True, True, False]
    assert place.admits(one)
    place.leave(one)
    assert (three.reasons, place.admits(three)) == ([REASON], True)


def test_nobody_passes_those_who_wait():
    place, (one, two, three, four) = full(4)
    for stream in (one, two, three, four):
        place.admits(stream)
    place.leave(one)
    place.leave(two)
    assert (three.reasons, four.reasons) == ([REASON], [REASON])


def test_whoever_leaves_while_waiting_is_not_called():
    place, (one, two, three) = full()
    for stream in (one, two, three):
        place.admits(stream)
    place.leave(three)
    place.leave(one)
    assert three.reasons == []


def test_one_frame_of_any_size_fits():
    place = Room(100 * room.LARGE, Loop())
    assert place.admits(Stream())


def test_the_last_byte_that_fits_and_the_first_too_many():
    place, _ = full()
    place.bytes = room.MOST
    assert not place.is_full
    place.bytes += 1
    assert place.is_full


def test_a_place_that_others_wait_for_is_lost_after_a_while():
    place, (one, two, three) = full()
    place.admits(one)
    place._loop.passes(room.WITHIN / 2)
    place.admits(two)
    place._loop.passes(2 * room.WITHIN)
    assert (one.overstayed, two.overstayed) == (0, 0)  # nobody waits
    place.admits(three)
    place._loop.passes(1)
    assert (one.overstayed, two.overstayed, three.reasons) == (1, 0, [REASON])
    place._loop.passes(room.WITHIN * 9)
    assert (two.overstayed, three.overstayed) == (0, 0)


def test_whoever_is_not_read_by_us_keeps_its_place_for_as_long_again():
    place, (one, two, three) = full()
    one.is_read = two.is_read = False
    for stream in (one, two, three):
        place.admits(stream)
    place._loop.passes(room.WITHIN + 1)
    assert three.reasons == []
    one.is_read = True
    place._loop.passes(room.WITHIN)
    assert (one.overstayed, two.overstayed, three.reasons) == (1, 0, [REASON])
