"""Who is in a group, and until when."""

import pytest

from services.bus import memberships as module
from services.bus.memberships import Memberships


class Watched(Memberships):
    """Memberships with a clock of their own."""

    def __init__(self):
        self.now, self.emptied = 0.0, []
        super().__init__(10.0, self.emptied.append, clock=lambda: self.now)


@pytest.fixture
def memberships():
    return Watched()


def test_a_member_counts_once(memberships):
    memberships.add("panel", "a!1")
    memberships.add("panel", "a!1")
    assert memberships.members("panel") == ["a!1"]


def test_the_last_to_leave_empties_the_group(memberships):
    memberships.add("panel", "a!1")
    memberships.add("panel", "a!2")
    memberships.discard("panel", "a!1")
    assert memberships.emptied == []
    memberships.discard("panel", "a!2")
    memberships.discard("panel", "a!2")
    assert memberships.emptied == ["panel"]
    assert memberships.groups() == []


def test_a_membership_ends_after_its_time_unless_renewed(memberships):
    memberships.add("panel", "a!1")
    memberships.add("panel", "a!2")
    memberships.now = 5.0
    memberships.add("panel", "a!1")
    memberships.now = 10.0
    assert memberships.members("panel") == ["a!1", "a!2"]
    memberships.now = 10.1
    assert memberships.members("panel") == ["a!1"]
    memberships.now = 15.1
    memberships.expire()
    assert memberships.emptied == ["panel"]


def test_the_oldest_gives_way_when_there_are_too_many(memberships, monkeypatch):
    monkeypatch.setattr(module, "MAX_MEMBERSHIPS", 2)
    for number in range(3):
        memberships.add("panel", f"a!{number}")
    assert memberships.members("panel") == ["a!1", "a!2"]
    memberships.add("panel", "a!1")
    assert memberships.members("panel") == ["a!1", "a!2"]


def test_cleared_nobody_is_in_any_group(memberships):
    memberships.add("one", "a!1")
    memberships.add("two", "a!1")
    memberships.clear()
    assert (memberships.members("one"), memberships.emptied) == ([], ["one", "two"])
