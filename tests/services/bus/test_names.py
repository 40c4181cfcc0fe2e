"""What a name says."""

import pytest

from services.bus import names


def test_no_two_endpoints_have_the_same_name():
    assert len({names.new_endpoint() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("prefix", ["specific.", "", "no-dot", "bus-00000000000000000000."])
def test_a_channel_names_the_endpoint_that_made_it(prefix):
    endpoint = names.new_endpoint()
    channel = names.new_channel(prefix, endpoint)
    assert names.owner(channel) == endpoint
    assert names.owner(names.non_local(channel)) == endpoint


@pytest.mark.parametrize("channel", ["jobs", "custom!a", "bus-0123", f"bus-{'0' * 20}", "specific.inmemory!abc"])
def test_other_names_belong_to_nobody(channel):
    assert names.owner(channel) is None


@pytest.mark.parametrize(
    ("channel", "non_local", "local"), [("jobs", "jobs", ""), ("a!b", "a!", "b"), ("a!", "a!", "")]
)
def test_the_mark_parts_a_name(channel, non_local, local):
    assert (names.non_local(channel), names.local_part(channel)) == (non_local, local)
