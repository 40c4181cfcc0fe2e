"""Rows are counted in all, and for each connection."""

from services.servers.report import IN, OUT, Touched
from services.servers.totals import Sums, Totals

ROWS = [
    (10, 1, "a", IN, b"abc", 3, ""),
    (11, 1, "a", OUT, b"abc", 3, ""),
    (12, 2, "b", IN, b"", 70_000, ""),
    (13, 1, "a", IN, b"x", 1, ""),
]


def test_sums_count_true_sizes_both_ways():
    assert Totals().count(ROWS) == Sums(received=3, bytes_in=70_004, sent=1, bytes_out=3)


def test_each_connection_has_its_own_and_is_told_once():
    totals = Totals()
    totals.count(ROWS)
    assert totals.take(1) == Touched(1, 13, 2, 4, 1, 3)
    assert totals.take(1) is None
    assert totals.take_all() == [Touched(2, 12, 1, 70_000, 0, 0)]
    assert not totals


def test_differences_are_told_not_totals():
    totals = Totals()
    totals.count(ROWS[:1])
    totals.take_all()
    totals.count(ROWS[3:])
    assert totals.take_all() == [Touched(1, 13, 1, 1, 0, 0)]


def test_what_is_in_no_row_counts_for_its_connection_too():
    totals = Totals()
    totals.count(ROWS)
    totals.add(1, at=14, messages=1, size=5_000_000)
    totals.add(3, at=15, messages=1, size=7)
    assert totals.take(1) == Touched(1, 14, 3, 5_000_004, 1, 3)
    assert totals.take(3) == Touched(3, 15, 1, 7, 0, 0)
