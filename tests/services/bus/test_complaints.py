"""A warning that comes often is told seldom."""

import logging

from services.bus.complaints import EVERY, Complaints


def test_a_warning_is_told_once_in_a_while_with_how_often_it_came(caplog):
    now = 100.0
    complaints = Complaints(logging.getLogger("test"), clock=lambda: now)
    for _ in range(5):
        complaints.warn("%s is full", "jobs")
    now += EVERY
    complaints.warn("%s is full", "jobs")
    assert [record.message for record in caplog.records] == [
        "jobs is full (1 since the last such line)",
        "jobs is full (5 since the last such line)",
    ]


def test_a_percent_sign_in_a_word_is_no_format(caplog):
    Complaints(logging.getLogger("test")).warn("%s failed", "100%s")
    assert caplog.messages == ["100%s failed (1 since the last such line)"]
