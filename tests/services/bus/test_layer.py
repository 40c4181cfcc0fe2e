"""What Channels' own specification says of messages and channels, in its order; test_layer_groups.py has the rest."""

import asyncio
import time
from pathlib import Path

import pytest
from channels.consumer import AsyncConsumer
from channels.exceptions import MessageTooLarge
from channels.layers import channel_layers
from channels.testing import ApplicationCommunicator

from services.bus import LocalChannelLayer
from services.errors import BusUnreachable
from tests.services.bus.neighbour import Neighbour
from tests.waiting import deadline, eventually_async

LOOK = {"type": "look"}

# Messages


async def test_a_message_holds_every_type_that_the_specification_allows(layer):
    message = {
        "bytes": b"\x00\xff",
        "text": "编程 \x00",
        "integers": [-(2**63), 0, 2**63 - 1],
        "float": 1.5,
        "booleans": [True, False],
        "nothing": None,
        "dict": {"": {"deep": []}},
    }
    await layer.send("test", message)
    assert await layer.receive("test") == message


async def test_a_tuple_arrives_as_a_list(layer):
    await layer.send("test", {"type": "look", "pair": (1, 2)})
    assert await layer.receive("test") == {"type": "look", "pair": [1, 2]}


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, {1: 2}, {1, 2}, object(), time, 1j, "\ud800"], ids=lambda value: type(value).__name__
)
async def test_what_cannot_be_sent_is_refused(layer, value):
    with pytest.raises(TypeError, match="message holds"):
        await layer.send("test", {"type": "look", "value": value})


async def test_a_message_that_holds_itself_is_refused(layer):
    message: dict = {}
    message["self"] = message
    with pytest.raises(TypeError, match="nested too deeply"):
        await layer.group_send("panel", message)


async def test_a_message_is_a_dict(layer):
    with pytest.raises(TypeError, match="a dict, not a list"):
        await layer.send("test", ["look"])


async def test_a_receiver_may_change_its_message_without_changing_anybody_elses(layer):
    one, two = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("panel", one)
    await layer.group_add("panel", two)
    await layer.group_send("panel", {"list": []})
    (await layer.receive(one))["list"].append(1)
    assert await layer.receive(two) == {"list": []}


# Channels


@pytest.mark.parametrize("name", ["a", "A-1_b.c", "x" * 100, "..", "http.request!a.b", "x!" + "y" * 98])
async def test_a_name_of_up_to_100_bytes_is_taken(layer, name):
    await layer.send(name, LOOK)
    assert await layer.receive(name) == LOOK


@pytest.mark.parametrize(
    "name", ["", "x" * 101, "a b", "a\n", "a/b", "é", "१", "a!b!c", "a?b", 7, None, b"a"], ids=repr
)
async def test_another_name_is_refused(layer, name):
    with pytest.raises(TypeError):
        await layer.send(name, LOOK)
    with pytest.raises(TypeError):
        await layer.receive(name)
    with pytest.raises(TypeError):
        await layer.group_add("panel", name)


@pytest.mark.parametrize("group", ["", "x" * 101, "a!b", "a/b", "a\n", 7])
async def test_another_name_of_a_group_is_refused(layer, group):
    with pytest.raises(TypeError):
        await layer.group_send(group, LOOK)
    with pytest.raises(TypeError):
        await layer.group_add(group, "test")


async def test_a_channel_is_first_in_first_out(layer):
    for number in (1, 2, 3):
        await layer.send("test", {"number": number})
    assert [(await layer.receive("test"))["number"] for _ in range(3)] == [1, 2, 3]


async def test_a_process_specific_channel_keeps_the_order_of_another_process(make_layer, neighbour):
    layer = make_layer(capacity=1_000)
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    for number in range(50):
        await neighbour.do(*(("send", channel) if number % 2 else ("group_send", "panel")), {"number": number})
    assert [(await layer.receive(channel))["number"] for _ in range(50)] == list(range(50))


async def test_each_message_reaches_one_reader_of_several_processes(directory):
    async with Neighbour(directory, capacity=500) as one, Neighbour(directory, capacity=500) as two:
        layer = LocalChannelLayer(directory, capacity=500)
        readers = [each.begin("receive", "jobs") for each in (one, two) * 50] + [
            asyncio.ensure_future(layer.receive("jobs")) for _ in range(50)
        ]
        for number in range(150):
            await layer.send("jobs", {"number": number})
        async with deadline(20):
            messages = await asyncio.gather(*readers)
        assert sorted(message["number"] for message in messages) == list(range(150))


async def test_a_normal_channel_keeps_what_a_process_sent_that_has_ended(layer, directory):
    async with Neighbour(directory) as short_lived:
        await short_lived.do("send", "jobs", LOOK)
    assert await layer.receive("jobs") == LOOK


async def test_a_reader_that_waits_gets_what_another_process_sends(layer, neighbour):
    reader = asyncio.ensure_future(layer.receive("jobs"))
    await neighbour.do("send", "jobs", LOOK)
    async with deadline(5):
        assert await reader == LOOK


async def test_a_new_channel_is_specific_to_its_process_and_never_the_same(layer):
    channels = {await layer.new_channel() for _ in range(100)}
    assert len(channels) == 100
    assert all(channel.startswith("specific.") and channel.count("!") == 1 for channel in channels)


async def test_a_new_channel_may_have_a_prefix_of_ones_own(layer):
    channel = await layer.new_channel("http.response")
    assert channel.startswith("http.response")
    with pytest.raises(TypeError):
        await layer.new_channel("x" * 80)


async def test_the_name_up_to_the_mark_receives_what_is_sent_to_every_channel_that_begins_so(layer, neighbour):
    one, two = await layer.new_channel(), await layer.new_channel()
    await neighbour.do("send", one, {"number": 1})
    await neighbour.do("send", two, {"number": 2})
    await neighbour.do("send", one, {"number": 3})
    received = [await layer.receive(one.partition("!")[0] + "!") for _ in range(3)]
    assert received == [{"number": n, "__asgi_channel__": to} for n, to in ((1, one), (2, two), (3, one))]


async def test_a_name_with_a_mark_that_nobody_made_can_be_read_whole_or_up_to_the_mark(layer):
    await layer.send("custom!b", {"number": 1})
    await layer.send("custom!a", {"number": 2})
    assert (await layer.receive("custom!a"))["number"] == 2
    assert await layer.receive("custom!") == {"number": 1, "__asgi_channel__": "custom!b"}


async def test_a_channel_of_another_process_cannot_be_read(layer, neighbour):
    channel = await neighbour.do("new_channel")
    with pytest.raises(ValueError, match="read it there"):
        await layer.receive(channel)


async def test_a_message_expires_unread(make_layer, silence):
    layer = make_layer(expiry=0.05)
    channel = await layer.new_channel()
    await layer.send(channel, LOOK)
    await layer.send("test", LOOK)
    over = time.monotonic() + 0.06
    await eventually_async(lambda: time.monotonic() > over)
    await silence(layer.receive(channel))
    await silence(layer.receive("test"))
    assert layer.statistics()["lost_expired"] == 2


@pytest.mark.parametrize("way", ["send", "group_send", "jobs"])
async def test_a_message_of_a_megabyte_as_json_crosses_processes(layer, neighbour, way):
    message = {"type": "look", "bytes": b"\xff" * 700_000, "floats": [0.5] * 50_000}
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    call, to = {"send": ("send", channel), "group_send": ("group_send", "panel"), "jobs": ("send", "jobs")}[way]
    await neighbour.do(call, to, message)
    async with deadline(10):
        assert await layer.receive("jobs" if way == "jobs" else channel) == message


async def test_a_message_over_the_limit_is_refused_and_the_longest_is_taken(make_layer):
    layer = make_layer(max_message=1_000)
    channel = await layer.new_channel()
    longest = {"": b"x" * 995}  # five bytes are msgpack's own
    await layer.send(channel, longest)
    assert await layer.receive(channel) == longest
    for call, to in ((layer.send, channel), (layer.send, "test"), (layer.group_send, "panel")):
        with pytest.raises(MessageTooLarge, match="1001 bytes"):
            await call(to, {"": b"x" * 996})


# Readers that give up


@pytest.mark.parametrize("own", [True, False])
async def test_a_cancelled_reader_loses_nothing(layer, own):
    channel = await layer.new_channel() if own else "jobs"
    received = []
    for number in range(50):
        reader = asyncio.ensure_future(layer.receive(channel))
        await asyncio.sleep(0)
        await layer.send(channel, {"number": number})
        for _ in range(number % 5):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait({reader})
        received.append(await layer.receive(channel) if reader.cancelled() else reader.result())
    assert [message["number"] for message in received] == list(range(50))


async def test_two_readers_in_a_loop_share_and_one_that_gives_up_leaves_it_to_the_other(layer):
    channel = await layer.new_channel()
    gone, stays = (asyncio.ensure_future(layer.receive(channel)) for _ in range(2))
    await asyncio.sleep(0.01)
    await layer.send(channel, LOOK)
    gone.cancel()
    async with deadline(5):
        assert await stays == LOOK


# What this layer adds


class Ear(AsyncConsumer):
    """A consumer of Channels that joins a group."""

    async def test_join(self, event):
        await self.channel_layer.group_add("panel", self.channel_name)
        await self.send({"type": "joined"})

    async def look(self, event):
        await self.send(event)


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])  # Channels tidies connections
async def test_a_consumer_hears_what_another_process_says(layer, neighbour, monkeypatch):
    monkeypatch.setitem(channel_layers.backends, "default", layer)
    consumer = ApplicationCommunicator(Ear(), {"type": "test"})
    await consumer.send_input({"type": "test.join"})
    assert await consumer.receive_output(5) == {"type": "joined"}
    await neighbour.do("group_send", "panel", {"type": "look", "server": 3})
    assert await consumer.receive_output(5) == {"type": "look", "server": 3}
    consumer.stop()


async def test_what_it_did_is_counted(layer):
    channel = await layer.new_channel()
    await layer.send(channel, LOOK)
    await layer.receive(channel)
    assert layer.statistics() == {
        "sent": 1,
        "received": 1,
        "merged": 0,
        "malformed": 0,
        "lost_full": 0,
        "lost_expired": 0,
        "lost_gone": 0,
        "lost": 0,
    }


async def test_a_directory_whose_path_is_too_long_for_a_socket_serves_all_the_same(tmp_path):
    directory = tmp_path / ("long" * 50) / "bus"
    async with Neighbour(directory) as neighbour:
        layer = LocalChannelLayer(directory)
        channel = await layer.new_channel()
        await neighbour.do("send", channel, LOOK)
        async with deadline(5):
            assert await layer.receive(channel) == LOOK


async def test_a_directory_that_cannot_be_made_is_told_with_the_next_step(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(BusUnreachable, match="make it a directory of this user"):
        await LocalChannelLayer(tmp_path / "file" / "bus").group_send("panel", LOOK)
