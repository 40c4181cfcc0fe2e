"""Groups on disk."""

import os
import time

import pytest

from services.bus import names
from services.bus.directory import Directory
from services.bus.rolls import Rolls


@pytest.fixture
def bus(directory):
    bus = Directory(directory)
    bus.prepare()
    return bus


@pytest.fixture
def rolls(bus):
    return Rolls(bus, expiry=60)


def test_endpoints_and_channels_are_members_for_every_process(bus, rolls):
    endpoint = names.new_endpoint()
    rolls.enter("panel", endpoint)
    rolls.add("panel", "jobs")
    assert Rolls(bus, 60).members("panel") == ([endpoint], ["jobs"])
    rolls.leave("panel", endpoint)
    rolls.discard("panel", "jobs")
    assert rolls.members("panel") == ([], [])


def test_a_group_without_members_leaves_no_trace(bus, rolls):
    rolls.add("panel", "jobs")
    rolls.discard("panel", "jobs")
    rolls.discard("panel", "jobs")
    assert os.listdir(bus.groups) == []


@pytest.mark.parametrize("name", ["..", ".", "bus-" + "0" * 20])
def test_no_name_leads_out_of_its_place(bus, rolls, name):
    rolls.add(name, name)
    assert rolls.members(name) == ([], [name])
    assert sorted(os.listdir(bus.path)) == ["channels", "endpoints", "full", "groups"]


def test_a_membership_ends_some_time_after_the_last_add(bus, rolls):
    rolls.add("panel", "jobs")
    long_ago = time.time() - 61
    os.utime(bus.groups / "=panel" / "=jobs", (long_ago, long_ago))
    assert rolls.members("panel") == ([], [])
    rolls.add("panel", "jobs")
    assert rolls.members("panel") == ([], ["jobs"])


def test_whose_socket_has_gone_is_swept_out(bus, rolls):
    dead, alive = names.new_endpoint(), names.new_endpoint()
    (bus.endpoints / alive).touch()
    for endpoint in (dead, alive):
        rolls.enter("panel", endpoint)
    rolls.add("panel", "jobs")
    rolls.sweep()
    assert rolls.members("panel") == ([alive], ["jobs"])


def test_files_of_others_are_no_members(bus, rolls):
    rolls.add("panel", "jobs")
    (bus.groups / "=panel" / "note.txt").touch()
    (bus.groups / "stray").touch()
    rolls.sweep()
    assert rolls.members("panel") == ([], ["jobs"])


def test_cleared_no_group_has_members(bus, rolls):
    rolls.add("one", "jobs")
    rolls.enter("two", names.new_endpoint())
    rolls.clear()
    assert os.listdir(bus.groups) == []
