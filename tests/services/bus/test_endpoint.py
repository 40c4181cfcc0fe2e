"""One event loop's part: what it tidies, and what it leaves when it or another dies."""

import os
import shutil
import socket
import time

from services.bus import names, wire
from tests.services.bus.neighbour import Neighbour
from tests.waiting import deadline, eventually_async

LOOK = {"type": "look"}


async def mine(layer):
    return await layer._loops.mine()


def sockets(directory):
    return os.listdir(directory / "endpoints")


async def test_a_loop_that_only_sends_has_no_socket(layer, directory):
    await layer.group_send("panel", LOOK)
    await layer.send("jobs", LOOK)
    assert sockets(directory) == []


async def test_what_a_killed_process_left_is_removed_by_who_meets_it(layer, directory):
    async with Neighbour(directory) as killed:
        await killed.do("group_add", "panel", await killed.do("new_channel"))
        await killed.kill()
    assert len(sockets(directory)) == 1
    await layer.group_send("panel", LOOK)
    assert sockets(directory) == []
    assert os.listdir(directory / "groups") == []


async def test_what_a_killed_process_left_is_removed_by_who_comes_next(layer, directory):
    async with Neighbour(directory, capacity=1) as killed:
        channel = await killed.do("new_channel")
        await killed.do("send", channel, LOOK)
        await killed.do("group_add", "panel", channel)
        await killed.kill()
    assert os.listdir(directory / "full")
    channel = await layer.new_channel()
    assert sockets(directory) == [names.owner(channel)]
    assert os.listdir(directory / "groups") == os.listdir(directory / "full") == []


async def test_a_message_to_a_process_that_died_is_lost_and_counted(layer, directory):
    async with Neighbour(directory) as killed:
        channel = await killed.do("new_channel")
        await killed.kill()
    await layer.send(channel, LOOK)
    assert layer.statistics()["lost_gone"] == 1


async def test_a_bus_whose_directory_was_removed_is_there_again_after_tidying(layer, directory, neighbour):
    here, there = await layer.new_channel(), await neighbour.do("new_channel")
    await layer.group_add("panel", here)
    shutil.rmtree(directory)
    (await mine(layer)).tidy()
    await neighbour.do("group_send", "panel", LOOK)
    async with deadline(5):
        assert await layer.receive(here) == LOOK
    assert there not in sockets(directory)


async def test_tidying_removes_what_nobody_reads(make_layer, directory):
    layer = make_layer(expiry=0.01)
    channel = await layer.new_channel()
    await layer.group_send("panel", LOOK)
    await layer.send(channel, LOOK)
    await layer.send("jobs", LOOK)
    endpoint = await mine(layer)

    def tidied():
        endpoint.tidy()
        return not os.listdir(directory / "channels") and layer.statistics()["lost_expired"] == 2

    await eventually_async(tidied)


async def test_malformed_datagrams_are_counted_and_change_nothing(layer, directory):
    channel = await layer.new_channel()
    address = names.owner(channel)
    epoch = (await mine(layer))._epoch
    stranger = names.new_channel("specific.", address).replace("specific", "other")
    aliens = [
        b"",
        b"\x00" * 100,
        wire.encode(wire.Letter(epoch, 0, stranger, b"\x80")),
        wire.encode(wire.Letter(epoch, 0, "jobs", b"\x80")),
        wire.encode(wire.Join(epoch, 0, "../panel", channel)),
        wire.encode(wire.Join(epoch, 0, "panel", channel + "/x")),
        wire.encode(wire.Join(epoch, 0, "panel", stranger)),
    ]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        (await mine(layer))._directory.connect(sender, address)
        for alien in aliens:
            sender.send(alien)
    await eventually_async(lambda: layer.statistics()["malformed"] == len(aliens))
    assert os.listdir(directory / "groups") == []


async def test_a_message_that_is_none_is_counted_and_the_next_received(layer):
    channel = await layer.new_channel()
    endpoint = await mine(layer)
    endpoint.deliver(channel, b"\xc1", time.monotonic_ns())
    await layer.send(channel, LOOK)
    assert await layer.receive(channel) == LOOK
    assert layer.statistics()["malformed"] == 1
