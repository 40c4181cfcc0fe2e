"""Our own last answer that comes back and back is a loop; whoever says something else is a client."""

import pytest

from services.servers.loops import BUSY_CLIENT, LONGEST_MUTE, MUTE, PAUSE, STORM, SUSPECT, Conversation


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def rounds(conversation: Conversation, clock: Clock, data: bytes = b"x", every: float = 0.001) -> int:
    """How often an echo of `data` goes round before it is stopped; at most 1,000 times."""
    conversation.answered(data)
    for number in range(1000):
        clock.now += every
        if conversation.is_loop(data, clock):
            return number
        conversation.answered(data)
    return 1000


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 1024, b"x" * 1025, b"x" * 65_507])
def test_the_twentieth_within_a_second_is_not_answered(clock, data):
    assert rounds(Conversation(), clock, data) == SUSPECT - 1 == 19


def test_a_client_nearby_may_ask_the_same_thing_ten_thousand_times_a_second(clock):
    busy = Conversation(BUSY_CLIENT)
    assert rounds(busy, clock, every=0.0009) == 1000
    assert not busy.is_loop(b"x", clock)


def test_twenty_within_more_than_a_second_are_no_loop(clock):
    assert rounds(Conversation(), clock, every=0.0527) == 1000
    assert rounds(Conversation(), clock, every=0.0520) == 19


def test_a_client_that_says_something_else_each_time_is_never_stopped(clock):
    conversation = Conversation()
    for number in range(10_000):
        assert not conversation.is_loop(b"%d" % number, clock)
        conversation.answered(b"%d" % number)


def test_it_is_muted_for_a_minute_and_then_for_twice_as_long_up_to_ten(clock):
    conversation, muted = Conversation(), []
    for _ in range(6):
        rounds(conversation, clock)
        muted.append(conversation.muted_for)
        clock.now += conversation.muted_for - 0.001
        assert conversation.is_loop(b"something else", clock)
        clock.now += 0.002
        assert not conversation.is_loop(b"something else", clock)
    assert muted == [MUTE, 120, 240, 480, LONGEST_MUTE, LONGEST_MUTE]


def test_whoever_was_good_for_long_begins_anew(clock):
    conversation = Conversation()
    rounds(conversation, clock)
    clock.now += MUTE + LONGEST_MUTE + 1
    rounds(conversation, clock)
    assert conversation.muted_for == MUTE


def test_who_was_never_answered_is_in_no_loop(clock):
    assert not any(Conversation().is_loop(b"x", clock) for _ in range(100))


def storm(conversation: Conversation, clock: Clock, every: float) -> int:
    """How many answers a server gets that says something else each time; at most 5,000."""
    for number in range(5000):
        clock.now += every
        if conversation.is_loop(b"%d" % number, clock) or conversation.is_storm(clock):
            return number
        conversation.answered(b"!")
    return 5000


def test_a_server_that_asks_more_than_a_thousand_times_a_second_is_muted(clock):
    conversation = Conversation()
    assert storm(conversation, clock, every=1 / 1024) == STORM
    assert conversation.muted_for == MUTE
    assert conversation.is_loop(b"anything", clock)


def test_a_server_that_asks_less_often_is_a_client(clock):
    assert storm(Conversation(), clock, every=1 / 512) == 5000


def until_stopped(clock: Clock, said: list[bytes], every: float, answer: bytes = b"!", seconds: float = 60) -> float:
    """How long a client of this network is answered that says the same things over and over; at most `seconds`."""
    conversation, began = Conversation(BUSY_CLIENT), clock.now
    while clock.now - began < seconds:
        for each in said:
            clock.now += every
            if conversation.is_loop(each, clock):
                return clock.now - began
            conversation.answered(answer if answer else each)
    return seconds


@pytest.mark.parametrize("every", [0.00015, 0.001, 0.0045])
@pytest.mark.parametrize("answer", [b"", b"!"])
@pytest.mark.parametrize("contents", [1, 5, 50])
def test_what_goes_round_nearby_is_stopped_after_ten_seconds(clock, every, answer, contents):
    """An echo of an echo, and fixed answers that answer each other, with so many datagrams under way."""
    said = [b"%d" % number for number in range(contents)]
    assert 10 <= until_stopped(clock, said, every, answer) < 11


def test_slower_questions_never_are(clock):
    assert until_stopped(clock, [b"x"], 0.0055) == 60


def test_a_benchmark_that_says_something_else_each_time_is_never_stopped(clock):
    assert until_stopped(clock, [b"%d" % number for number in range(200_000)], 0.0001, seconds=20) == 20


def pauses(conversation: Conversation, clock: Clock, seconds: float, *, stops_when_silent: bool) -> list[float]:
    """When it was silenced, for how long, of a thousand questions a second."""
    began, silenced, was = clock.now, [], False
    while clock.now - began < seconds:
        clock.now += 0.001
        is_silenced = conversation.is_loop(b"x", clock)
        if is_silenced and not was:
            silenced.append(round(conversation.muted_for))
            if stops_when_silent:
                clock.now += conversation.muted_for + 1
                is_silenced = False
        was = is_silenced
    return silenced


def test_whoever_asks_on_while_it_is_not_answered_is_paused_ever_less_often(clock):
    assert pauses(Conversation(BUSY_CLIENT), clock, 80, stops_when_silent=False) == [PAUSE] * 3  # after 10, 20 and 40 s


def test_a_circle_that_somebody_begins_again_is_muted(clock):
    assert pauses(Conversation(BUSY_CLIENT), clock, 160, stops_when_silent=True) == [PAUSE, MUTE, 2 * MUTE]
