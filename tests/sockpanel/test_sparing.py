"""What strangers cause fills no log."""

import logging

import pytest

from sockpanel.sparing import LINES, WITHIN, Sparing


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of a log in which something is said far too often, twice."""
    now = [0.0]
    sparing = Sparing(logging.getLogger("test"), clock=lambda: now[0])
    for _ in range(LINES + 7):
        sparing.warning("%s was refused", "a stranger")
    now[0] = WITHIN
    sparing.warning("another was refused")
    return caplog.messages


def test_only_so_many_lines_are_written_and_the_others_told_later(said: list[str]) -> None:
    assert said[:LINES] == ["a stranger was refused"] * LINES
    assert said[LINES:] == ["7 more of the following were not written.", "another was refused"]
