"""Channels that any process may read."""

import os
import time

import pytest

from services.bus.directory import Directory
from services.bus.spool import Spool
from services.bus.tally import Tally


@pytest.fixture
def bus(directory):
    bus = Directory(directory)
    bus.prepare()
    return bus


@pytest.fixture
def tally():
    return Tally()


@pytest.fixture
def spool(bus, tally):
    return Spool(bus, 60, 1_000, tally)


def test_another_process_takes_what_came_first_once(bus, spool):
    other = Spool(bus, 60, 1_000, Tally())
    for number in range(3):
        assert spool.put("jobs", b"%d" % number, 3)
    assert [other.take("jobs"), spool.take("jobs"), other.take("jobs"), spool.take("jobs")] == [
        ("jobs", b"0"),
        ("jobs", b"1"),
        ("jobs", b"2"),
        None,
    ]


def test_it_takes_no_more_than_the_capacity(spool):
    assert [spool.put("jobs", b"", 2) for _ in range(3)] == [True, True, False]
    spool.take("jobs")
    assert spool.put("jobs", b"", 2)


def test_the_order_holds_when_the_clock_is_set_back(spool, monkeypatch):
    spool.put("jobs", b"1", 3)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 10**9)
    spool.put("jobs", b"2", 3)
    assert [spool.take("jobs")[1], spool.take("jobs")[1]] == [b"1", b"2"]


@pytest.mark.parametrize("away", [-61, 61])
def test_what_waited_too_long_is_counted_and_in_nobodys_way(spool, tally, monkeypatch, away):
    spool.put("jobs", b"", 1)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + away * 10**9)
    assert spool.take("jobs") is None
    assert spool.put("jobs", b"", 1)
    assert tally.statistics()["lost_expired"] == 1


def test_a_reader_that_was_a_moment_too_late_takes_the_next(spool, monkeypatch):
    spool.put("jobs", b"1", 3)
    spool.put("jobs", b"2", 3)
    stale = spool._names(spool._path("jobs"))
    spool.take("jobs")
    monkeypatch.setattr(spool, "_names", lambda path: stale)
    assert spool.take("jobs") == ("jobs", b"2")


def test_what_no_layer_wrote_is_counted_and_dropped(bus, spool, tally):
    path = bus.channels / "=jobs"
    path.mkdir()
    stamp = f"{time.time_ns():020d}"
    (path / f"{stamp}-long~").write_bytes(b"x" * 1_001)
    os.mkfifo(path / f"{stamp}-pipe~")
    (path / f"{stamp}-link~").symlink_to("/etc/passwd")
    (path / "notes").touch()
    assert spool.take("jobs") is None
    assert tally.statistics()["malformed"] == 3
    assert os.listdir(path) == []


def test_the_local_part_tells_the_channels_of_a_prefix_apart(spool):
    spool.put("custom!a", b"1", 9)
    spool.put("custom!b", b"2", 9)
    assert spool.take("custom!b") == ("custom!b", b"2")
    assert spool.take("custom!") == ("custom!a", b"1")


def test_cleaned_only_what_somebody_may_still_read_is_there(bus, spool, tally):
    spool.put("fresh", b"", 9)
    for name in ("=old", "=empty", "=dead"):
        (bus.channels / name).mkdir()
    (bus.channels / "=old" / f"{time.time_ns() - 61 * 10**9:020d}-x~").touch()
    (bus.channels / "=dead" / f".{time.time_ns() - 61 * 10**9:020d}-x~").touch()
    (bus.channels / "=fresh" / f".{time.time_ns():020d}-x~").touch()
    spool.clean()
    assert os.listdir(bus.channels) == ["=fresh"]
    assert len(os.listdir(bus.channels / "=fresh")) == 2


def test_cleared_nothing_is_there(bus, spool):
    spool.put("one", b"", 9)
    spool.put("two!x", b"", 9)
    spool.clear()
    assert os.listdir(bus.channels) == []
