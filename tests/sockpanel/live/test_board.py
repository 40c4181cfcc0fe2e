"""States and counters: what is told when."""

import json
from typing import Any

import pytest

from sockpanel.live.board import STATS_EVERY, Board, Onlooker
from sockpanel.live.window import BYTES, Window


def server(number: int = 1, state: str = "RUNNING", received: int = 0) -> dict[str, Any]:
    standing = {"reason": "", "since": "", "pid": 7, "address": "127.0.0.1:1", "retry_at": None, "wanted": "running"}
    return {"id": number, "name": f"s{number}", "state": state, **standing, "counters": {"received": received}}


class Looking:
    """An onlooker, and what it was told."""

    def __init__(self, board: Board) -> None:
        self.board, self.window = board, Window()
        self._told: list[dict[str, Any]] = []
        self.onlooker = Onlooker(lambda text: self._told.append(json.loads(text)), self.window)

    def told(self) -> list[Any]:
        """The states and numbers told since the last call."""
        self.onlooker.tell(self.board, list(self.board.entries), now=0.0)
        told, self._told[:] = list(self._told), []
        return [frame.get("state", frame.get("received")) for frame in told]


@pytest.fixture
def board() -> Board:
    """With one running server, looked at at 100.0."""
    found = Board()
    found.update([server()], now=100.0)
    return found


def test_a_newcomer_is_told_everything_and_then_only_changes(board: Board) -> None:
    looking = Looking(board)
    assert looking.told() == ["RUNNING", 0]
    board.update([server(), server(2)], now=101.0)
    assert looking.told() == ["RUNNING", 0]
    assert looking.told() == []


def test_a_state_is_told_at_once_and_counters_every_half_second(board: Board) -> None:
    looking = Looking(board)
    looking.told()
    board.update([server(state="FATAL", received=5)], now=100.1)
    assert looking.told() == ["FATAL"]
    assert board.publish(100.2) == pytest.approx(100.0 + STATS_EVERY)
    assert board.publish(100.0 + STATS_EVERY) is None
    assert looking.told() == [5]


def test_counters_that_are_back_where_they_were_are_no_news(board: Board) -> None:
    looking = Looking(board)
    looking.told()
    board.update([server(received=5)], now=100.1)
    board.update([server(received=0)], now=100.2)
    board.publish(101.0)
    assert looking.told() == []


def test_a_full_window_is_told_the_latest_once_it_has_room(board: Board) -> None:
    looking = Looking(board)
    looking.told()
    looking.window.sent(BYTES, now=0.0)
    for number in (1, 2, 3):
        board.update([server(state=f"S{number}", received=number)], now=100.0 + number)
        assert looking.told() == []
    looking.window.acknowledged(0)
    assert looking.told() == ["S3", 3]


def test_a_new_name_is_told(board: Board) -> None:
    looking = Looking(board)
    looking.told()
    board.update([server() | {"name": "renamed"}], now=101.0)
    looking.onlooker.tell(board, [1], now=0.0)
    assert looking._told[0]["server"] == "renamed"


def test_what_is_forgotten_has_its_name_told(board: Board) -> None:
    assert board.forget([1, 2]) == {1: "s1"}
    assert board.entries == {}
