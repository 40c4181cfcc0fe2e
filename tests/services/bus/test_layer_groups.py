"""What Channels' own specification says of capacity, groups and flushes; test_layer.py has the rest."""

import asyncio
import logging
import os
import signal
import time

import pytest
from channels.exceptions import ChannelFull, MessageTooLarge

from services.bus import LocalChannelLayer
from tests.services.bus.neighbour import Neighbour, Refused
from tests.waiting import deadline, eventually_async

LOOK = {"type": "look"}

# Capacity


@pytest.mark.parametrize("own", [True, False])
async def test_a_channel_at_its_capacity_is_full(layer, own):
    channel = await layer.new_channel() if own else "test"
    for _ in range(3):
        await layer.send(channel, LOOK)
    with pytest.raises(ChannelFull):
        await layer.send(channel, LOOK)
    await layer.receive(channel)
    await layer.send(channel, LOOK)


async def test_another_process_is_told_that_a_channel_is_full_and_that_it_has_room_again(layer, neighbour):
    for channel in (await layer.new_channel(), "jobs"):
        for _ in range(3):
            await neighbour.do("send", channel, LOOK)
        await neighbour.do("statistics")  # meanwhile this loop has read what was sent
        with pytest.raises(Refused, match="ChannelFull"):
            await neighbour.do("send", channel, LOOK)
        await layer.receive(channel)
        await neighbour.do("send", channel, LOOK)


async def test_the_channels_of_a_prefix_share_its_capacity(layer):
    channels = [await layer.new_channel() for _ in range(4)]
    for channel in channels[:3]:
        await layer.send(channel, LOOK)
    with pytest.raises(ChannelFull):
        await layer.send(channels[3], LOOK)


async def test_capacity_can_be_set_by_the_name(make_layer):
    layer = make_layer(capacity=5, channel_capacity={"jobs.*": 1})
    await layer.send("jobs.slow", LOOK)
    with pytest.raises(ChannelFull):
        await layer.send("jobs.slow", LOOK)
    for _ in range(5):
        await layer.send("other", LOOK)


async def test_a_full_member_misses_a_groups_message_which_is_counted_and_told_once(layer, caplog):
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    with caplog.at_level(logging.WARNING, "services.bus"):
        for number in range(5):
            await layer.group_send("panel", {"number": number})
    assert [(await layer.receive(channel))["number"] for _ in range(3)] == [0, 1, 2]
    assert (layer.lost, layer.statistics()["lost_full"]) == (2, 2)
    assert len(caplog.records) == 1
    assert "read it faster or raise `capacity`" in caplog.text


async def test_a_group_with_more_members_than_the_capacity_is_reached_whole(layer):
    channels = [await layer.new_channel() for _ in range(10)]
    for channel in channels:
        await layer.group_add("panel", channel)
    await layer.group_send("panel", LOOK)
    assert [await layer.receive(channel) for channel in channels] == [LOOK] * 10
    assert layer.lost == 0


async def test_a_normal_channel_in_a_group_misses_what_it_has_no_room_for(layer):
    await layer.group_add("panel", "jobs")
    for _ in range(5):
        await layer.group_send("panel", LOOK)
    assert layer.lost == 2


async def test_a_send_to_a_process_that_does_not_read_never_blocks(directory):
    async with Neighbour(directory) as stopped:
        channel = await stopped.do("new_channel")
        os.kill(stopped.process.pid, signal.SIGSTOP)
        layer = LocalChannelLayer(directory, capacity=5)
        began = time.monotonic()
        with pytest.raises(ChannelFull):
            for number in range(100):
                await layer.send(channel, {"number": number})
        assert time.monotonic() - began < 2
        taken = layer.statistics()["sent"]
        os.kill(stopped.process.pid, signal.SIGCONT)
        received = [(await stopped.do("receive", channel))["number"] for _ in range(taken)]
        assert received == list(range(taken))


# Groups


async def test_a_group_reaches_every_member_in_every_process_once(layer, neighbour):
    here, there = await layer.new_channel(), await neighbour.do("new_channel")
    for _ in range(2):  # the second is no second membership
        await layer.group_add("panel", here)
        await neighbour.do("group_add", "panel", there)
    await layer.group_add("panel", "jobs")
    await layer.group_send("panel", {"number": 1})
    await neighbour.do("group_send", "panel", {"number": 2})
    assert [(await layer.receive(here))["number"] for _ in range(2)] == [1, 2]
    assert [(await neighbour.do("receive", there))["number"] for _ in range(2)] == [1, 2]
    assert [(await layer.receive("jobs"))["number"] for _ in range(2)] == [1, 2]


async def test_who_left_a_group_hears_no_more_of_it(layer, silence):
    one, two = await layer.new_channel(), await layer.new_channel()
    for channel in (one, two, "jobs"):
        await layer.group_add("panel", channel)
    await layer.group_discard("panel", one)
    await layer.group_discard("panel", "jobs")
    await layer.group_send("panel", LOOK)
    assert await layer.receive(two) == LOOK
    await silence(layer.receive(one))
    await silence(layer.receive("jobs"))


async def test_leaving_a_group_one_is_not_in_does_nothing(layer):
    await layer.group_discard("panel", await layer.new_channel())
    await layer.group_discard("panel", "jobs")


async def test_a_channel_can_be_put_into_a_group_and_taken_out_by_another_process(layer, neighbour, silence):
    channel = await layer.new_channel()
    await neighbour.do("group_add", "panel", channel)
    await neighbour.do("group_send", "panel", LOOK)
    async with deadline(5):
        assert await layer.receive(channel) == LOOK
    await neighbour.do("group_discard", "panel", channel)
    await neighbour.do("group_send", "panel", LOOK)
    await silence(layer.receive(channel))


async def test_a_message_to_a_group_without_members_goes_nowhere(layer):
    await layer.group_send("nobody", LOOK)
    assert layer.lost == 0


async def test_an_expired_message_ends_no_membership(make_layer):
    layer = make_layer(expiry=0.5)
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    await layer.group_send("panel", {"number": 1})
    over = time.monotonic() + 0.55
    await eventually_async(lambda: time.monotonic() > over)
    await layer.group_send("panel", {"number": 2})
    assert await layer.receive(channel) == {"number": 2}


async def test_a_membership_ends_some_time_after_the_last_group_add(make_layer):
    layer = make_layer(group_expiry=1)
    channel = await layer.new_channel()
    for member in (channel, "jobs"):
        await layer.group_add("panel", member)
    over = time.monotonic() + 1.05
    await eventually_async(lambda: time.monotonic() > over)
    await layer.group_send("panel", {"number": 1})
    for member in (channel, "jobs"):
        await layer.group_add("panel", member)
    await layer.group_send("panel", {"number": 2})
    assert await layer.receive(channel) == await layer.receive("jobs") == {"number": 2}


async def test_it_says_what_the_specification_asks_it_to_say(layer):
    assert (layer.extensions, layer.group_expiry) == (["groups", "flush"], 86_400)
    assert (layer.ChannelFull, layer.MessageTooLarge) == (ChannelFull, MessageTooLarge)
    assert issubclass(ChannelFull, Exception)


# Flush


async def test_a_flush_leaves_no_message_and_no_member_in_any_process(layer, neighbour, silence):
    here, there = await layer.new_channel(), await neighbour.do("new_channel")
    await layer.group_add("panel", here)
    await neighbour.do("group_add", "panel", there)
    await layer.group_add("panel", "jobs")
    for channel in (here, there, "jobs"):
        for _ in range(3):
            await layer.send(channel, LOOK)
    await neighbour.do("flush")
    await neighbour.do("group_send", "panel", {"number": 1})
    for channel in (here, there, "jobs"):
        await layer.send(channel, {"number": 2})
    assert await layer.receive(here) == await neighbour.do("receive", there) == {"number": 2}
    assert await layer.receive("jobs") == {"number": 2}
    await silence(layer.receive(here))


async def test_who_waited_during_a_flush_still_hears(layer, neighbour):
    channel = await layer.new_channel()
    reader = asyncio.ensure_future(layer.receive(channel))
    await neighbour.do("flush")
    await neighbour.do("send", channel, LOOK)
    async with deadline(5):
        assert await reader == LOOK
