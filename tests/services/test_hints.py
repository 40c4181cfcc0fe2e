"""Hints reach who listens, in another process too, and their failure reaches nobody."""

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers

from services import hints
from services.bus import LocalChannelLayer
from services.bus.complaints import Complaints
from services.hints import PANEL, SUPERVISOR, Listener, ahint, hint
from tests.ports import free_port
from tests.waiting import deadline, eventually_async


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No failure of another test counts."""
    monkeypatch.setattr(hints, "_resting_until", 0.0)
    monkeypatch.setattr(hints, "_complaints", Complaints(hints.logger))


@pytest.fixture
def use() -> Iterator[Any]:
    """Puts a layer where the project looks for it."""
    former = channel_layers.set("default", None)
    yield lambda layer: channel_layers.set("default", layer)
    channel_layers.set("default", former) if former else channel_layers.backends.clear()


@pytest.fixture
async def local(use, data_directory) -> AsyncIterator[LocalChannelLayer]:
    """The layer that the settings name, on a bus of its own."""
    layer = LocalChannelLayer(data_directory / "bus")
    use(layer)
    yield layer
    await layer.close()


async def run(script: str, environment: dict[str, str]) -> None:
    """Python in another process, as a management command would."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", script, env=environment)
    async with deadline(60):
        assert await process.wait() == 0


HINT = "import django; django.setup(); from services.hints import hint; hint('panel', 3); hint('panel', 4)"


async def test_a_hint_crosses_processes(local, environment):
    async with Listener(PANEL) as listener:
        await run(HINT, environment)
        await eventually_async(lambda: listener._servers == {3, 4})
        assert await listener.wait(5) == {3, 4}


async def test_a_hint_reaches_its_group_and_no_other(local):
    async with Listener(PANEL) as panel, Listener(SUPERVISOR) as supervisor:
        await ahint(SUPERVISOR, 7)
        assert await supervisor.wait(5) == {7}
        assert await panel.wait(0.05) == set()


async def test_hints_between_two_looks_are_one(local):
    async with Listener(PANEL) as listener:
        for server in (1, 2, 1, 2, 3):
            await ahint(PANEL, server)
        await eventually_async(lambda: listener._servers == {1, 2, 3})
        assert await listener.wait(5) == {1, 2, 3}
        assert await listener.wait(0.01) == set()


async def test_a_hint_without_a_server_means_all(local):
    async with Listener(PANEL) as listener:
        await ahint(PANEL, 1)
        await ahint(PANEL)
        await ahint(PANEL, 2)
        await eventually_async(lambda: listener._servers is None)
        assert await listener.wait(5) is None


async def test_too_many_servers_are_all(local, monkeypatch):
    monkeypatch.setattr(hints, "MAX_SERVERS", 2)
    async with Listener(PANEL) as listener:
        for server in (1, 2, 3):
            await ahint(PANEL, server)
        await eventually_async(lambda: listener._servers is None)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "look"},
        {"type": "look", "server": "3"},
        {"type": "look", "server": True},
        {"type": "look", "server": [3]},
        {"type": "websocket.close", "server": 3},
        {"server": 3},
    ],
    ids=str,
)
async def test_whatever_is_no_hint_is_ignored(local, message):
    async with Listener(PANEL) as listener:
        await local.group_send(PANEL, message)
        await ahint(PANEL, 9)
        assert await listener.wait(5) == {9}
        assert listener.ignored == 1


async def test_a_cancelled_wait_loses_nothing(local):
    async with Listener(PANEL) as listener:
        for server in range(20):
            waiting = asyncio.ensure_future(listener.wait(5))
            await asyncio.sleep(0)
            await ahint(PANEL, server)
            for _ in range(server % 6):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            assert (await listener.wait(5) if waiting.cancelled() else waiting.result()) == {server}


async def test_whoever_waits_without_entering_joins_then(local):
    listener = Listener(PANEL)
    waiting = asyncio.ensure_future(listener.wait(5))
    await eventually_async(lambda: listener._joined.is_set())
    await ahint(PANEL, 1)
    assert await waiting == {1}
    await listener.close()


async def test_left_there_is_no_member_and_no_task(local, data_directory):
    async with Listener(PANEL):
        assert os.listdir(data_directory / "bus" / "groups") == ["=panel"]
    assert os.listdir(data_directory / "bus" / "groups") == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_membership_is_renewed_in_time(use, data_directory):
    layer = LocalChannelLayer(data_directory / "bus", group_expiry=1.2)
    use(layer)
    async with Listener(PANEL) as listener:
        over = time.monotonic() + 1.5
        await eventually_async(lambda: time.monotonic() > over)
        await ahint(PANEL, 1)
        assert await listener.wait(5) == {1}


# Without a coroutine


async def test_a_thread_hints(local):
    async with Listener(PANEL) as listener:
        thread = threading.Thread(target=hint, args=(PANEL, 1))
        thread.start()
        assert await listener.wait(5) == {1}
        thread.join()


async def test_a_view_hints(local):
    async with Listener(PANEL) as listener:
        await sync_to_async(hint)(PANEL, 1)
        assert await listener.wait(5) == {1}


async def test_a_plain_function_in_a_coroutine_hints(local):
    async with Listener(PANEL) as listener:
        hint(PANEL, 1)
        assert await listener.wait(5) == {1}


def test_a_command_hints_when_nobody_listens(use, data_directory):
    use(LocalChannelLayer(data_directory / "bus"))
    hint(SUPERVISOR)


# A bus that fails


class Broken:
    """A layer that fails as often as it is told, then serves."""

    def __init__(self, layer: Any, failures: int) -> None:
        self.layer, self.failures = layer, failures

    def __getattr__(self, name: str) -> Any:
        if self.failures and name in ("group_send", "group_add", "receive"):
            self.failures -= 1
            raise ConnectionError("the bus is away")
        return getattr(self.layer, name)


class Stuck:
    """A layer that never answers."""

    async def group_send(self, *_: Any) -> None:
        await asyncio.Event().wait()

    new_channel = receive = group_add = group_send


def test_a_failing_bus_fails_no_caller_and_is_told_once(use, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(hints, "REST", 0.0)
    (tmp_path / "bus").touch()
    use(LocalChannelLayer(tmp_path / "bus"))
    with caplog.at_level(logging.WARNING):
        for server in range(20):
            hint(PANEL, server)
    assert len(caplog.records) == 1
    assert "cannot be used" in caplog.text
    assert "Check its directory or Redis" in caplog.text


async def test_no_layer_at_all_fails_no_caller(use, caplog):
    use(None)
    await ahint(PANEL)
    assert "set CHANNEL_LAYERS" in caplog.text


async def test_a_bus_that_never_answers_costs_a_caller_little_and_the_next_nothing(use, monkeypatch, caplog):
    monkeypatch.setattr(hints, "WITHIN", 0.05)
    use(Stuck())
    began = time.monotonic()
    for server in range(50):
        await ahint(PANEL, server)
    assert time.monotonic() - began < 0.8
    assert "TimeoutError" in caplog.text


async def test_a_bus_that_serves_again_is_used_again(local, use, monkeypatch):
    monkeypatch.setattr(hints, "REST", 0.0)
    async with Listener(PANEL) as listener:
        use(Broken(local, 1))
        await ahint(PANEL, 1)
        await ahint(PANEL, 2)
        assert await listener.wait(5) == {2}


@pytest.mark.parametrize("failures", [1, 2, 5])
async def test_a_listener_joins_again_and_then_says_all(local, use, monkeypatch, failures):
    monkeypatch.setattr(hints, "REST", 0.01)
    use(Broken(local, failures))
    async with Listener(PANEL) as listener:
        assert await listener.wait(5) is None
        await ahint(PANEL, 1)
        assert await listener.wait(5) == {1}


async def test_a_listener_without_a_bus_waits_no_longer_than_asked(use, monkeypatch):
    monkeypatch.setattr(hints, "WITHIN", 0.05)
    use(Stuck())
    async with deadline(5), Listener(PANEL) as listener:
        assert await listener.wait(0.05) == set()


# Over Redis


@pytest.fixture
async def redis(tmp_path) -> AsyncIterator[Any]:
    """A Redis server of the test's own: (its address, a function that restarts it)."""
    program = shutil.which("redis-server") or pytest.skip("redis-server is not installed")
    pytest.importorskip("channels_redis")
    port = free_port()
    servers = []

    async def start() -> None:
        for server in servers:
            server.kill()
            server.wait()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        await eventually_async(lambda: _answers(port))

    await start()
    yield f"redis://127.0.0.1:{port}", start
    servers[-1].kill()
    servers[-1].wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@pytest.mark.external
async def test_hints_are_the_same_over_redis(use, redis, environment):
    from channels_redis.pubsub import RedisPubSubChannelLayer

    address, _ = redis
    use(RedisPubSubChannelLayer(hosts=[address]))
    async with Listener(PANEL) as listener:
        await run(HINT, environment | {"REDIS_URL": address})
        await eventually_async(lambda: listener._servers == {3, 4})
        assert await listener.wait(0.01) == {3, 4}
        assert await listener.wait(0.3) == set()
        await ahint(PANEL, 5)
        assert await listener.wait(5) == {5}


@pytest.mark.external
async def test_a_redis_that_was_away_carries_hints_again(use, redis, caplog):
    from channels_redis.pubsub import RedisPubSubChannelLayer

    address, restart = redis
    layer = RedisPubSubChannelLayer(hosts=[address])
    use(layer)
    async with Listener(PANEL) as listener:
        await restart()

        async def heard() -> bool:
            await ahint(PANEL, 5)
            return await listener.wait(0.2) != set()

        await eventually_async(heard, within=20)
    await layer.flush()
