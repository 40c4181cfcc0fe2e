"""A disk that fills up warns, holds, gives up its ballast, and heals; nothing of it depends on a database."""

import logging
import os
import stat
from pathlib import Path

import pytest

from services import disk
from services.disk import BALLAST, BLOCK, LAST, LEAST, MIB, Bounds, Reserve, Room

GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("total", "warn", "hold", "ballast"),
    [
        (128 * MIB, 2 * LEAST, LEAST, 51 * BLOCK),
        (GIB, GIB // 10, GIB // 40, 409 * BLOCK),
        (10 * GIB, GIB, 256 * MIB, 64 * MIB),
        (4000 * GIB, GIB, 256 * MIB, 64 * MIB),
    ],
)
def test_the_bounds_are_shares_of_small_disks_and_fixed_for_large_ones(total, warn, hold, ballast):
    bounds = Bounds.of(total)
    assert (bounds.warn, bounds.hold, bounds.ballast) == (warn, hold, ballast)
    assert bounds.hold < bounds.resume < bounds.warn


def test_what_the_ballast_lacks_is_not_free():
    bounds = Bounds.of(10 * GIB)
    assert Room(10 * GIB, 300 * MIB, bounds.ballast).left == 300 * MIB
    assert Room(10 * GIB, 300 * MIB, 0).left == 300 * MIB - bounds.ballast


class Fake:
    """A disk of 10 GiB whose foreign use is set by hand; the ballast is really there."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir, self.free = data_dir, 5 * GIB

    def look(self, data_dir: Path) -> Room:
        there = disk.look(data_dir).ballast
        return Room(10 * GIB, max(0, self.free - there), there)


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path)


@pytest.fixture
def reserve(fake):
    made = Reserve(fake.data_dir, fake.look)
    assert made.tend()
    return made


def ballast(data_dir: Path) -> int:
    return (data_dir / BALLAST).stat().st_blocks * 512


def test_the_ballast_is_really_there_and_only_ours(reserve, tmp_path):
    assert ballast(tmp_path) == 64 * MIB
    assert stat.S_IMODE((tmp_path / BALLAST).stat().st_mode) == 0o600


def test_holds_below_a_bound_and_goes_on_a_good_deal_above_it(reserve, fake):
    for free, is_open in ((256 * MIB, True), (256 * MIB - 1, False), (320 * MIB - 1, False), (320 * MIB, True)):
        fake.free = free + 64 * MIB
        assert reserve.tend() is is_open, free


def test_a_full_disk_takes_half_of_the_ballast_and_then_the_rest(reserve, fake, tmp_path):
    fake.free = 64 * MIB + LAST - 1
    assert not reserve.tend()
    assert ballast(tmp_path) == 32 * MIB
    fake.free = 32 * MIB
    reserve.tend()
    assert ballast(tmp_path) == 0


def test_a_full_disk_of_any_size_takes_all_of_its_ballast_in_two_steps(tmp_path):
    total = 128 * MIB + 4096
    reserve = Reserve(tmp_path, lambda place: Room(total, 0, disk.look(place).ballast))
    reserve._make(reserve.room.bounds.ballast)
    reserve.tend()
    assert 0 < ballast(tmp_path) == reserve.room.bounds.ballast // 2
    reserve.tend()
    assert ballast(tmp_path) == 0


def test_giving_up_ballast_makes_no_room_for_messages(reserve, fake):
    fake.free = 64 * MIB + 300 * MIB
    reserve.close()
    reserve.give_up()
    assert not reserve.tend()
    assert fake.look(fake.data_dir).free == 364 * MIB


def test_the_ballast_is_made_again_once_there_is_room(reserve, fake, tmp_path):
    reserve.give_up()
    fake.free = 64 * MIB + 320 * MIB
    reserve.close()
    assert reserve.tend()
    assert ballast(tmp_path) == 64 * MIB


def test_a_disk_that_has_no_room_for_ballast_says_so_and_serves(fake, tmp_path, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.posix_fallocate", refuse)
    with caplog.at_level(logging.WARNING):
        assert Reserve(tmp_path, fake.look).tend()
    assert "no ballast" in caplog.text


def test_way_is_made_for_something_small_only_where_nothing_else_is_left(reserve, tmp_path):
    disk.make_way(tmp_path)
    assert ballast(tmp_path) == 64 * MIB


def test_giving_up_twice_does_no_harm(tmp_path):
    disk.give_up(tmp_path)
    disk.give_up(tmp_path)
