"""Flow control of one socket."""

import pytest

from sockpanel.live.window import BATCHES, BYTES, STALL, Window


@pytest.fixture
def full() -> Window:
    """A window with four batches in it, sent at 100.0."""
    window = Window()
    for number in range(BATCHES):
        window.sent_batch(last=10 * (number + 1), size=100, now=100.0)
    return window


def test_nothing_more_is_sent_after_four_unacknowledged_batches() -> None:
    window = Window()
    for number in range(BATCHES):
        assert not window.full
        window.sent_batch(last=number + 1, size=100, now=0.0)
    assert window.full


def test_an_acknowledgement_makes_room_for_every_batch_up_to_its_number(full: Window) -> None:
    full.acknowledged(9)
    assert full.room == 0
    full.acknowledged(25)
    assert full.room == 2


@pytest.mark.parametrize(("size", "is_full"), [(BYTES - 1, False), (BYTES, True)])
def test_a_mebibyte_of_unacknowledged_bytes_is_enough(size: int, is_full: bool) -> None:
    window = Window()
    window.sent(size, now=0.0)
    assert window.full is is_full


@pytest.mark.parametrize(("size", "goes"), [(BYTES - 100, True), (BYTES - 99, False)])
def test_a_batch_that_would_not_fit_waits_for_an_acknowledgement(size: int, goes: bool) -> None:
    window = Window()
    window.sent_batch(last=1, size=100, now=0.0)
    assert window.takes(size, now=5.0) is goes
    assert window.full is not goes
    assert window.stalled(5.0 + STALL) is not goes
    window.acknowledged(1)
    assert window.takes(size, now=6.0)


def test_a_single_batch_may_be_longer() -> None:
    window = Window()
    window.sent(500, now=0.0)
    assert window.takes(2 * BYTES, now=0.0)


def test_any_acknowledgement_covers_the_frames_without_a_number() -> None:
    window = Window()
    window.sent(BYTES, now=0.0)
    window.acknowledged(0)
    assert not window.full


@pytest.mark.parametrize(("seconds", "stalled"), [(STALL - 0.1, False), (STALL, True)])
def test_a_full_window_without_progress_is_stalled_after_thirty_seconds(
    full: Window, seconds: float, stalled: bool
) -> None:
    assert full.stalled(100.0 + seconds) is stalled


def test_progress_sets_the_clock_back(full: Window) -> None:
    full.acknowledged(10)
    full.sent_batch(last=50, size=100, now=120.0)
    assert not full.stalled(100.0 + STALL)
    assert full.stalled(120.0 + STALL)


def test_an_acknowledgement_without_progress_does_not(full: Window) -> None:
    full.acknowledged(5)
    assert full.stalled(100.0 + STALL)
