"""Refusals: the first is told at once, further ones in bundles, and however many sources there are, what is kept is bounded."""

import pytest

from services.servers import incidents
from services.servers.incidents import Incidents


@pytest.fixture
def gathered():
    return Incidents()


def told(gathered: Incidents) -> list[tuple[str, str, int]]:
    return [(one.rule, one.source, one.count) for one in gathered.take()]


def test_the_first_is_due_at_once_and_once(gathered):
    gathered.note("source", "10.1.2.3", "refused", 1, now=0.0)
    assert gathered
    assert told(gathered) == [("source", "10.1.2.3", 1)]
    assert not gathered


def test_further_ones_wait_and_are_told_together(gathered):
    for moment in range(5):
        gathered.note("source", "10.1.2.3", "refused", 1, now=float(moment))
    assert told(gathered) == [("source", "10.1.2.3", 1)]
    gathered.ripen(9.9)
    assert told(gathered) == []
    gathered.ripen(10.0)
    assert told(gathered) == [("source", "10.1.2.3", 4)]


def test_rules_and_sources_are_told_apart(gathered):
    gathered.note("source", "10.1.2.3", "refused", 1, now=0.0)
    gathered.note("source", "10.1.2.4", "refused", 1, now=0.0)
    gathered.note("accepts", "10.1.2.3", "refused", 1, now=0.0)
    assert len(told(gathered)) == 3


def test_the_last_words_are_those_of_the_newest(gathered):
    gathered.note("source", "a", "first", 1, now=0.0)
    gathered.note("source", "a", "second", 1, now=1.0)
    gathered.note("source", "a", "third", 1, now=2.0)
    gathered.take()
    gathered.ripen(10.0)
    assert [one.what for one in gathered.take()] == ["third"]


def test_whoever_is_quiet_is_forgotten_and_new_again(gathered):
    gathered.note("source", "a", "refused", 1, now=0.0)
    gathered.take()
    gathered.ripen(10.0)
    assert gathered.next_at is None
    gathered.note("source", "a", "refused", 1, now=11.0)
    assert told(gathered) == [("source", "a", 1)]


def test_what_was_told_of_late_waits_its_time_again(gathered):
    gathered.note("source", "a", "refused", 1, now=0.0)
    gathered.note("source", "a", "refused", 1, now=5.0)
    gathered.ripen(10.0)
    assert gathered.next_at == 20.0


def test_a_crowd_of_sources_is_bounded_and_none_is_lost(gathered):
    for number in range(10_000):
        gathered.note("source", str(number), "refused", 1, now=0.0)
    gathered.ripen_all()
    found = told(gathered)
    assert len(found) <= incidents.MOST + 2
    assert sum(count for _, _, count in found) == 10_000


def test_at_the_end_everything_is_due(gathered):
    gathered.note("source", "a", "refused", 2, now=0.0)
    gathered.note("source", "a", "refused", 3, now=0.1)
    gathered.ripen_all()
    assert told(gathered) == [("source", "a", 2), ("source", "a", 3)]
    assert gathered.next_at is None
