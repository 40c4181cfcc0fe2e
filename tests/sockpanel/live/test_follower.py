"""One socket's place among the messages: each row once, in order, and what is left out is counted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.history import MessageOut, Query
from sockpanel.live.follower import EVENTS, RESUME_ROWS, Event, Follower
from sockpanel.live.tail import Row, Tail, encode_rows

Rows = Callable[..., list[Row]]


class Client:
    """Takes the frames of a Follower."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.follower = Follower(lambda text: self.frames.append(json.loads(text)))

    @property
    def spans(self) -> list[tuple[int, int, int, list[int]]]:
        """from, to, skipped and the numbers of each batch."""
        batches = [frame for frame in self.frames if frame["type"] == "messages"]
        return [(b["from"], b["to"], b["skipped"], [row["seq"] for row in b["messages"]]) for b in batches]

    @property
    def order(self) -> list[Any]:
        """Rows by number and events by name, as they came."""
        found: list[Any] = []
        for frame in self.frames:
            found += [row["seq"] for row in frame["messages"]] if frame["type"] == "messages" else [frame["event"]]
        return found


@pytest.fixture
def client() -> Client:
    return Client()


def event(seq: int, name: str, number: int = 1) -> Event:
    return Event(seq=seq, at=0, number=number, text=json.dumps({"type": "connection", "event": name}))


def test_whoever_does_not_follow_gets_nothing(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    tail.extend(rows([1]), 1, whole=True)
    assert client.follower.pump(tail, now=0.0) is False
    assert client.frames == []


def test_after_null_begins_at_the_newest_row(client: Client, rows: Rows) -> None:
    tail = Tail(7)
    client.follower.follow(None, Query(), tail.last)
    client.follower.pump(tail, now=0.0)
    tail.extend(rows([8, 9]), 9, whole=True)
    client.follower.pump(tail, now=0.0)
    assert client.spans == [(8, 9, 0, [8, 9])]


def test_a_full_window_gets_nothing_and_then_the_newest_rows_with_the_gap_counted(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    client.follower.follow(None, Query(), 0)
    for first in range(1, 10_000, 500):
        tail.extend(rows(range(first, first + 500)), first + 499, whole=True)
        client.follower.pump(tail, now=0.0)
    assert [span[:3] for span in client.spans] == [(1, 500, 0), (501, 1000, 0), (1001, 1500, 0), (1501, 2000, 0)]
    client.follower.window.acknowledged(2000)
    client.follower.pump(tail, now=0.0)
    assert [span[:3] for span in client.spans[4:]] == [(2001, 10_000, 7_500)]
    assert client.spans[4][3] == list(range(9_501, 10_001))


def test_pruned_rows_inside_of_a_gap_count_as_skipped(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    client.follower.follow(None, Query(), 0)
    tail.extend(rows([4, 5]), 6, whole=True)
    client.follower.pump(tail, now=0.0)
    assert client.spans == [(1, 6, 4, [4, 5])]


@pytest.mark.parametrize(("gap", "asks"), [(RESUME_ROWS, True), (RESUME_ROWS + 1, False)])
def test_a_gap_of_five_thousand_rows_is_closed_and_a_longer_one_skipped(
    client: Client, gap: int, asks: bool, rows: Rows
) -> None:
    tail = Tail(gap - 1)
    tail.extend(rows([gap]), gap, whole=True)
    client.follower.follow(0, Query(), tail.last)
    assert client.follower.pump(tail, now=0.0) is asks
    assert client.spans == ([] if asks else [(1, gap, gap - 1, [gap])])


def test_a_number_beyond_the_newest_begins_at_the_newest(client: Client, rows: Rows) -> None:
    tail = Tail(5)
    client.follower.follow(99, Query(), tail.last)
    tail.extend(rows([6]), 6, whole=True)
    client.follower.pump(tail, now=0.0)
    assert client.spans == [(6, 6, 0, [6])]


def test_fetched_rows_that_come_too_late_are_not_sent(client: Client, rows: Rows) -> None:
    client.follower.follow(3, Query(), 10)
    client.follower.follow(5, Query(), 10)
    client.follower.fetched(3, rows(range(4, 11)), 10, now=0.0)
    assert client.frames == []


def test_rows_that_do_not_fit_the_filter_are_not_skipped(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    client.follower.follow(None, Query(direction="out"), 0)
    tail.extend([*rows([1]), *rows([2], direction="out"), *rows([3])], 3, whole=True)
    client.follower.pump(tail, now=0.0)
    tail.extend(rows([4, 5]), 5, whole=True)
    client.follower.pump(tail, now=0.0)
    tail.extend(rows([9], direction="out"), 9, whole=False)
    client.follower.pump(tail, now=0.0)
    assert client.spans == [(1, 3, 0, [2]), (4, 9, 3, [9])]


def test_openings_and_closings_stand_between_the_messages_they_came_between(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    client.follower.follow(None, Query(), 0)
    client.follower.happened([event(0, "opened"), event(2, "closed"), event(2, "opened"), event(3, "closed")])
    tail.extend(rows([1, 2, 3]), 3, whole=True)
    client.follower.pump(tail, now=0.0)
    assert client.order == ["opened", 1, 2, "closed", "opened", 3, "closed"]


def test_many_of_them_do_not_use_up_the_window(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    client.follower.follow(None, Query(), 0)
    client.follower.happened([event(seq, "closed") for seq in range(1, 10)])
    tail.extend(rows(range(1, 10)), 9, whole=True)
    client.follower.pump(tail, now=0.0)
    assert client.order == [*range(1, 10), *["closed"] * 9]
    assert client.follower.window.room == 3


def test_an_event_waits_for_the_messages_before_it(client: Client, rows: Rows) -> None:
    tail = Tail(0)
    client.follower.follow(None, Query(), 0)
    client.follower.happened([event(1, "closed")])
    client.follower.pump(tail, now=0.0)
    assert client.order == []
    tail.extend(rows([1]), 1, whole=True)
    client.follower.pump(tail, now=0.0)
    assert client.order == [1, "closed"]


def test_events_that_find_no_place_are_counted(client: Client) -> None:
    client.follower.follow(None, Query(), 0)
    client.follower.happened([event(0, "opened", number) for number in range(EVENTS + 5)], skipped=2)
    client.follower.pump(Tail(0), now=0.0)
    assert client.frames[0] == {"type": "connections", "skipped": 7}
    assert len(client.frames) == 1 + EVENTS


class Log:
    """A server's messages; some are pruned again."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.last = 0

    def add(self, count: int) -> None:
        for seq in range(self.last + 1, self.last + count + 1):
            message = MessageOut(seq, "", 1, "", "in" if seq % 3 else "out", 1, False, None, b"x")
            self.rows[seq] = encode_rows([message])[0]
        self.last += count

    def newest_after(self, seq: int, limit: int) -> tuple[list[Row], bool]:
        found = [row for number, row in self.rows.items() if number > seq]
        return found[-limit:], len(found) <= limit

    def first_after(self, seq: int, limit: int) -> tuple[list[Row], int]:
        found = [row for number, row in self.rows.items() if number > seq]
        return (found[:limit], found[:limit][-1].seq) if len(found) > limit else (found, self.last)

    def prune(self, seq: int) -> None:
        self.rows = {number: row for number, row in self.rows.items() if number > seq}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 1200)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("ack"), st.integers(0, 3)),
        st.tuples(st.just("prune"), st.integers(0, 800)),
        st.tuples(st.just("event"), st.integers(1, 3)),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(
    start=st.integers(0, 3000), after=st.one_of(st.none(), st.integers(0, 3000)), history=steps, filtered=st.booleans()
)
def test_whatever_happens_no_row_comes_twice_and_none_is_missing_uncounted(
    start: int, after: int | None, history: list[tuple[str, int]], filtered: bool
) -> None:
    """Batches follow each other without a gap; what they hold and what they skipped make up all there was."""
    client, log = Client(), Log()
    log.add(start)
    tail = Tail(log.last)
    query = Query(direction="in") if filtered else Query()
    client.follower.follow(after, query, tail.last)
    begin = client.follower.cursor
    for what, number in [*history, ("look", 0), *[("ack", 3), ("look", 0)] * 60]:
        match what:
            case "add":
                log.add(number)
            case "prune":
                log.prune(log.last - number)
            case "event":
                client.follower.happened([event(log.last, "opened", number)])
            case "ack" if client.spans:
                client.follower.window.acknowledged(client.spans[-min(number, len(client.spans))][1] if number else 0)
            case "look":
                found, whole = log.newest_after(tail.last, 500)
                if log.last > tail.last:
                    tail.extend(found, log.last, whole)
        if client.follower.pump(tail, now=0.0):
            chunk, last = log.first_after(client.follower.cursor, 500)
            client.follower.fetched(client.follower.cursor, chunk, last, now=0.0)
    told = begin
    for first, last, skipped, held in client.spans:
        assert first == told + 1
        assert held == sorted(set(held))
        assert all(first <= seq <= last for seq in held)
        fitting = sum(1 for seq in range(first, last + 1) if not filtered or seq % 3)
        assert len(held) <= fitting
        if not filtered:
            assert len(held) + skipped == last - first + 1
        told = last
    assert client.follower.cursor == log.last
    assert filtered or told == log.last
