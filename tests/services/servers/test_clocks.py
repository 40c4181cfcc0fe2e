"""The machine's clock jumps, by hours and decades: no timer of a worker notices, and messages stay in the order they came in."""

import ast
import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.servers.report import Heartbeat
from tests.services.servers.clients import Datagrams
from tests.sources import sources

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
JUMPS = ["+1h", "-1h", "-20y"]
HOUR = 3_600_000_000  # microseconds
# Where the time of day is what is asked for
TELLERS = {"services/servers/clock.py", "services/servers/time_format.py", "services/servers/replies.py"}
WALL = {"time", "time_ns", "ctime", "localtime", "gmtime", "now", "today", "utcnow"}

Jump = Callable[[str], None]


@pytest.fixture
def jump(monkeypatch, tmp_path) -> Jump:
    """`jump("-20y")` sets the clock of every worker that is started from now on, while it runs; the monotonic one goes on."""
    if not LIBRARIES:
        pytest.skip("Clocks that jump are made by libfaketime, of the package faketime, and it is not installed.")
    offset = tmp_path / "offset"
    monkeypatch.setenv("LD_PRELOAD", str(LIBRARIES[0]))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")

    def to(where: str) -> None:
        (tmp_path / "new").write_text(where + "\n")
        (tmp_path / "new").rename(offset)

    to("+0")
    return to


@pytest.mark.parametrize("where", JUMPS)
async def test_a_broadcast_keeps_its_interval_when_the_clock_jumps(serve, jump, where):
    loop, times = asyncio.get_running_loop(), []
    with Datagrams(bound=("0.0.0.0", 0)) as listener:
        options = {"destination": f"127.255.255.255:{listener.sock.getsockname()[1]}", "interval": 0.2}
        it = await serve(kind="broadcast-sender", host="127.0.0.1", port=0, options=options)
        for number in range(12):
            await listener.hear()
            times.append(loop.time())
            if number == 3:
                jump(where)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(pauses) < 1.2  # a second late at most, on a machine that may be busy
    assert times[-1] - times[0] > 11 * 0.2 - 0.2
    await it.until(lambda: len(it.messages) >= 12)
    assert abs(it.messages[-1][0] - it.messages[0][0]) > HOUR // 2  # it did jump


@pytest.mark.parametrize("where", JUMPS)
async def test_heartbeats_and_batches_go_on_when_the_clock_jumps(serve, jump, where):
    loop = asyncio.get_running_loop()
    it = await serve(start={"hurry": "worker.HEARTBEAT = 0.1"}, kind="udp", reply={"type": "echo"})
    jump(where)
    begin, beats = loop.time(), len(it.others)
    with Datagrams() as client:
        await client.ask(b"x", it.address)
    await it.until(lambda: len(it.messages) == 2)
    assert loop.time() - begin < 1
    await it.until(lambda: len(it.others) >= beats + 10)
    assert 0.7 < loop.time() - begin < 3
    assert all(isinstance(told, Heartbeat) for told in it.others[1:])


async def test_messages_stay_in_order_when_the_clock_goes_back(serve, jump):
    it = await serve(kind="udp", reply={"type": "echo"})
    with Datagrams() as client:
        for number, where in enumerate(["+0", "-20y", "+1h", "-1h", "+0"]):
            jump(where)
            await client.ask(b"%d" % number, it.address)
    await it.until(lambda: len(it.messages) == 10)
    assert it.received == it.sent == [b"0", b"1", b"2", b"3", b"4"]
    at = [row[0] for row in it.messages]
    assert at != sorted(at)
    assert it.identity_holds()


async def test_a_limit_is_a_limit_when_the_clock_jumps(serve, jump):
    """A loop that was muted for a minute is not answered because an hour seems to have passed."""
    it = await serve(kind="udp", reply={"type": "echo"})
    server_like = 10_000 + os.getpid() % 20_000  # no port that a system gives to a client
    with Datagrams(bound=("127.0.0.1", server_like)) as client:
        for _ in range(20):
            await client.ask(b"round", it.address)
        client.sock.sendto(b"round", it.address)
        await it.until(lambda: it.sent_dropped == {"loop": 1})
        jump("+1h")
        client.sock.sendto(b"anything", it.address)
        await it.until(lambda: it.sent_dropped == {"loop": 2})


@pytest.mark.parametrize("folder", ["services/servers", "services/supervisor"])
def test_nothing_but_what_tells_the_time_of_day_reads_it(folder):
    """Intervals, deadlines and rates are on the monotonic clock."""
    read = {
        f"{source.path}: {node.value.id}.{node.attr}"
        for source in sources(folder)
        if str(source.path) not in TELLERS
        for node in ast.walk(ast.parse(Path(source.path).read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("time", "datetime")
        and node.attr in WALL
    }
    assert read == set()
