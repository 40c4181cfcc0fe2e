"""The newest messages of a server."""

import json
from collections.abc import Callable

import pytest

from sockpanel.live.tail import BYTES, FRAME_BYTES, ROWS, Row, Tail, first_frame

Rows = Callable[..., list[Row]]


def numbers(found: list[Row]) -> list[int]:
    return [row.seq for row in found]


def test_it_keeps_what_came_after_its_beginning(rows: Rows) -> None:
    tail = Tail(last=10)
    tail.extend(rows(range(11, 14)), last=13, whole=True)
    assert (numbers(tail.after(10)), numbers(tail.after(12)), tail.floor, tail.last) == ([11, 12, 13], [13], 10, 13)


def test_a_look_that_left_rows_out_moves_the_floor_up(rows: Rows) -> None:
    tail = Tail(last=10)
    tail.extend(rows([11]), last=11, whole=True)
    tail.extend(rows([900, 901]), last=901, whole=False)
    assert (tail.floor, numbers(tail.after(10))) == (899, [900, 901])


@pytest.mark.parametrize(("count", "floor"), [(ROWS, 0), (ROWS + 1, 1)])
def test_it_keeps_five_hundred_rows(rows: Rows, count: int, floor: int) -> None:
    tail = Tail(last=0)
    tail.extend(rows(range(1, count + 1)), last=count, whole=True)
    assert (tail.floor, len(tail.after(0))) == (floor, ROWS)


def test_it_keeps_fewer_where_they_are_long_but_always_the_newest(rows: Rows) -> None:
    tail = Tail(last=0)
    tail.extend(rows([1, 2, 3], data=b"x" * (BYTES // 3)), last=3, whole=True)
    assert numbers(tail.after(0)) == [2, 3]
    tail.extend(rows([4], data=b"x" * BYTES), last=4, whole=True)
    assert numbers(tail.after(0)) == [4]


def test_rows_that_were_pruned_before_anybody_read_them_move_the_end(rows: Rows) -> None:
    tail = Tail(last=10)
    tail.extend([], last=20, whole=True)
    assert (tail.last, tail.after(10)) == (20, [])


def test_the_same_frame_is_built_once(rows: Rows) -> None:
    tail = Tail(last=0)
    tail.extend(rows([1, 2]), last=2, whole=True)
    assert tail.frame(1, 2, 0, tail.after(0)) is tail.frame(1, 2, 0, tail.after(0))
    assert json.loads(tail.frame(1, 2, 0, tail.after(0)))["to"] == 2


def test_a_frame_ends_at_its_size_or_before_an_event(rows: Rows) -> None:
    few, long = rows(range(1, 6)), rows([1, 2, 3], data=b"x" * (FRAME_BYTES // 3))
    assert numbers(first_frame(few)) == [1, 2, 3, 4, 5]
    assert numbers(first_frame(few, until=3)) == [1, 2, 3]
    assert numbers(first_frame(long)) == [1, 2]
    assert len(first_frame(rows(range(ROWS + 1)))) == ROWS


def test_a_row_longer_than_a_frame_is_a_frame_of_its_own(rows: Rows) -> None:
    assert numbers(first_frame(rows([1, 2], data=b"x" * FRAME_BYTES))) == [1]
