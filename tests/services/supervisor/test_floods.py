"""A flood of datagrams while workers die: what the kernel held is taken by the next one, and what it dropped is counted once."""

import asyncio
import os
import signal
import socket

import pytest

from services.servers import socket_options
from services.servers.reporter import BATCH_MESSAGES
from services.servers.spec import Reply
from tests.services.servers.flood import flood
from tests.services.supervisor.nodes import Node, server

SENT = 60_000  # more than the kernel holds


@pytest.fixture
async def node(journal):
    node = Node(journal)
    yield node
    await node.supervisor.close()


async def test_datagrams_that_came_between_two_workers_are_stored_or_counted_as_dropped(node, journal, until):
    sink = server(1, reply=Reply())
    await node.supervisor.reconcile([sink])
    await until(journal.reached("RUNNING"))
    address = (sink.spec.host, sink.spec.port)
    for round_ in (1, 2, 3):
        os.kill(node.pid(1), signal.SIGSTOP)
        assert await flood(address, SENT, rate=200_000) == SENT
        os.kill(node.pid(1), signal.SIGKILL)
        await until(lambda round_=round_: node.count(1, "received") >= round_ * SENT)
    assert node.count(1, "received") == 3 * SENT
    stored = sum(len(batch.messages) for _, _, batch, _ in journal.batches)
    assert stored + node.lost(1, "kernel") == 3 * SENT
    assert node.lost(1, "kernel") == socket_options.drops(node.sockets["server-1"]) > 0


async def test_a_worker_that_is_killed_in_a_flood_takes_with_it_only_what_it_had_in_hand(node, journal, until):
    """What it had read and not told is gone, less than a batch: nobody was told that it came."""
    sink = server(1, reply=Reply())
    await node.supervisor.reconcile([sink])
    await until(journal.reached("RUNNING"))
    address = (sink.spec.host, sink.spec.port)
    flooding = asyncio.create_task(flood(address, SENT, rate=30_000))
    await until(lambda: len(journal.batches) > 50)
    os.kill(node.pid(1), signal.SIGKILL)
    await until(journal.reached("RUNNING", times=2))
    assert await flooding == SENT
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"the last", address)
    await until(lambda: journal.batches[-1][2].messages[-1:] and journal.batches[-1][2].messages[-1][4] == b"the last")
    await until(lambda: node.lost(1, "kernel") == socket_options.drops(node.sockets["server-1"]))
    received, stored = node.count(1, "received"), sum(len(batch.messages) for _, _, batch, _ in journal.batches)
    assert stored + node.lost(1, "kernel") == received
    assert 0 <= SENT + 1 - received < BATCH_MESSAGES
