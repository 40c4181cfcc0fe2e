"""Loops come and go, processes fork and die: nothing is left behind, and nobody takes what is another's."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from services.bus import LocalChannelLayer
from tests.services.bus.neighbour import CHECKOUT
from tests.waiting import deadline

LOOK = {"type": "look"}


def files(directory: Path) -> list[str]:
    return [str(path) for part in ("endpoints", "groups", "full") for path in (directory / part).iterdir()]


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def visit(layer: LocalChannelLayer) -> None:
    """What a command or a view does: join, send, hear, and be off without a word."""
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    await layer.group_send("panel", LOOK)
    assert await layer.receive(channel) == LOOK


def test_fifty_short_loops_leave_no_descriptor_and_no_file(make_layer, directory):
    layer = make_layer()
    asyncio.run(visit(layer))
    before = descriptors()
    for _ in range(25):
        asyncio.run(visit(layer))
        async_to_sync(visit)(layer)
    assert descriptors() == before
    assert files(directory) == []


def test_a_loop_that_is_merely_closed_is_cleared_away_at_the_next_use(make_layer, directory):
    layer = make_layer()
    before = descriptors()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(visit(layer))
    loop.close()
    assert len(files(directory)) == 2
    asyncio.run(visit(layer))
    del loop
    assert files(directory) == []
    assert descriptors() == before


def test_a_layer_that_is_dropped_closes_its_sockets_without_a_warning(directory):
    async def drop() -> None:
        await visit(LocalChannelLayer(directory))
        gc.collect()
        await asyncio.sleep(0)

    before = descriptors()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(drop())
    assert descriptors() == before
    assert files(directory) == []


async def test_a_thread_without_a_loop_reaches_the_reader_in_another(layer):
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    thread = threading.Thread(target=async_to_sync(layer.group_send), args=("panel", {"from": "a thread"}))
    thread.start()
    async with deadline(5):
        assert await layer.receive(channel) == {"from": "a thread"}
    thread.join()


async def test_a_view_in_a_thread_uses_the_loop_it_was_called_from(layer):
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    await sync_to_async(async_to_sync(layer.group_send))("panel", LOOK)
    assert await layer.receive(channel) == LOOK
    assert len(layer._loops._kept) == 1


async def test_closed_it_opens_again_when_used_again(layer, directory):
    await visit(layer)
    await layer.close()
    assert files(directory) == []
    await visit(layer)


def run(script: str, directory: Path) -> str:
    """The output of a process of its own, in which every warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(directory)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


START = """
import asyncio, os, signal, sys
from services.bus import LocalChannelLayer
layer = LocalChannelLayer(sys.argv[1])

async def join():
    channel = await layer.new_channel()
    await layer.group_add("panel", channel)
    return channel
"""


@pytest.mark.parametrize(
    "end",
    ["asyncio.run(join())", "loop = asyncio.new_event_loop(); loop.run_until_complete(join()); loop.close()"],
    ids=["with its loop", "after a loop that told nobody"],
)
def test_a_process_that_ends_leaves_no_file(directory, end):
    run(START + end, directory)
    assert files(directory) == []


FORK = """
async def main():
    channel = await join()
    child = os.fork()
    if child == 0:
        asyncio.run(layer.group_send("panel", {"from": "child"}))
        sys.exit(0)  # with all that runs at the end of a process
    assert os.waitpid(child, 0)[1] == 0
    assert await layer.receive(channel) == {"from": "child"}
    await layer.group_send("panel", {"from": "parent"})
    assert await layer.receive(channel) == {"from": "parent"}
    print("heard both")

asyncio.run(main())
"""

FORK_TWICE = """
import threading

def child():
    async def both():
        channel = await join()
        await layer.group_send("panel", {"from": os.getpid()})
        assert await layer.receive(channel) == {"from": os.getpid()}
    asyncio.run(both())

async def main():
    channel = await join()
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            child()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert await layer.receive(channel) == {"from": pid}
    print("heard both")

asyncio.run(main())
"""


@pytest.mark.parametrize("script", [FORK, FORK_TWICE], ids=["a sender", "receivers"])
def test_a_forked_child_has_a_socket_of_its_own_and_leaves_the_parents(directory, script):
    assert run(START + script, directory) == "heard both\n"
    assert files(directory) == []


OTHER_LOOP = """
async def main():
    channel = await join()
    for number in range(200):
        await layer.group_send("panel", {"number": number})
        assert await layer.receive(channel) == {"number": number}
    other = LocalChannelLayer(sys.argv[1])  # as another process: through the socket
    reader = asyncio.ensure_future(layer.receive(channel))
    await asyncio.to_thread(lambda: asyncio.run(other.group_send("panel", {"number": -1})))
    assert await reader == {"number": -1}
    print("heard all")
"""

UVLOOP = "import uvloop\nuvloop.run(main())"

TWISTED = """
from twisted.internet import asyncioreactor
loop = asyncio.new_event_loop()
asyncioreactor.install(loop)
from twisted.internet import defer, reactor, task

def begin():
    done = defer.ensureDeferred(defer.Deferred.fromFuture(loop.create_task(main())))
    done.addErrback(lambda failure: failure.printTraceback())
    done.addBoth(lambda _: reactor.stop())

reactor.callWhenRunning(begin)
reactor.run()
loop.close()
"""


@pytest.mark.parametrize("loop", [UVLOOP, TWISTED], ids=["uvloop", "daphne's reactor"])
def test_it_runs_in_other_loops(directory, loop):
    assert run(START + OTHER_LOOP + loop, directory) == "heard all\n"
    assert files(directory) == []


def test_what_waits_for_a_busy_process_is_sent_before_a_short_loop_ends(directory):
    """Twenty datagrams are more than the kernel holds for one receiver."""

    async def main() -> list[int]:
        reader = LocalChannelLayer(directory)
        channel = await reader.new_channel()
        await reader.group_add("panel", channel)
        command = asyncio.create_subprocess_exec(sys.executable, "-c", START + SEND_MANY, str(directory), cwd=CHECKOUT)
        process = await command
        async with deadline(20):
            numbers = [(await reader.receive(channel))["number"] for _ in range(20)]
            assert await process.wait() == 0
        return numbers

    assert asyncio.run(main()) == list(range(20))


SEND_MANY = """
async def main():
    for number in range(20):
        await layer.group_send("panel", {"number": number})

asyncio.run(main())
assert layer.lost == 0
"""
