"""The supervisor and real datagram workers: servers of one node never answer each other, whichever came first."""

import asyncio
import os
import signal

import msgspec
import pytest

from services.servers.spec import BroadcastSenderOptions, Reply, TimeOptions
from services.supervisor.wanted import Wanted
from tests.services.servers.clients import Datagrams
from tests.services.supervisor.nodes import Node, server


@pytest.fixture
async def node(journal):
    node = Node(journal)
    yield node
    await node.supervisor.close()


def looped(node: Node, server: int) -> int:
    return node.lost(server, "loop", "sent_dropped")


async def answered(wanted: Wanted, times: int = 1) -> None:
    with Datagrams() as client:
        for number in range(times):
            said = b"%d %%" % number if wanted.spec.kind == "time" else b"%d" % number
            await client.ask(said, (wanted.spec.host, wanted.spec.port))


async def test_servers_of_one_node_exchange_no_answer_and_clients_get_theirs(node, journal, until):
    echo, clock = server(1), server(2, kind="time", reply=Reply(), options=TimeOptions())
    sender = server(3, kind="broadcast-sender", port=0, reply=Reply(), options=BroadcastSenderOptions(interval=3600))
    await node.supervisor.reconcile([echo, clock])
    await until(lambda: all(journal.reached("RUNNING", one)() for one in (1, 2)))
    await node.supervisor.reconcile([echo, clock, sender])  # one that is born later, on a port of the kernel's choice
    await until(journal.reached("RUNNING", 3))
    await node.have_met(1, 2)
    await answered(echo)
    for source, target in (("server-1", "server-2"), ("server-2", "server-1"), ("server-3", "server-1")):
        node.forge(source, target)
    node.forge("server-1", "server-1")
    await until(lambda: (looped(node, 1), looped(node, 2)) == (3, 1))
    await answered(echo, times=100)
    await answered(clock)
    await until(lambda: (node.count(1, "sent"), node.count(2, "sent")) == (104, 2))
    assert (node.count(1, "received"), node.count(2, "received"), node.count(3, "received")) == (104, 2, 0)


async def test_a_server_that_was_killed_knows_its_neighbours_again(node, journal, until):
    one, two = server(1), server(2)
    await node.supervisor.reconcile([one, two])
    await until(lambda: all(journal.reached("RUNNING", id)() for id in (1, 2)))
    await node.have_met(2)
    node.forge("server-1", "server-2")
    await until(lambda: looped(node, 2) == 1)
    os.kill(node.pid(2), signal.SIGKILL)
    await until(journal.reached("RUNNING", 2, times=2))
    await node.have_met(2)
    await answered(two)
    node.forge("server-1", "server-2")
    await until(lambda: looped(node, 2) == 2)
    assert node.count(1, "received") == 0


async def test_the_port_of_a_server_that_was_stopped_is_nobodys(node, journal, until):
    one, two = server(1), server(2)
    await node.supervisor.reconcile([one, two])
    await until(lambda: all(journal.reached("RUNNING", id)() for id in (1, 2)))
    await node.supervisor.reconcile([one, msgspec.structs.replace(two, running=False, asked=2)])
    await until(journal.reached("STOPPED", 2))
    with Datagrams(bound=("127.0.0.1", two.spec.port)) as heir:
        async with asyncio.timeout(10):
            while True:  # the news may still be on its way
                heir.sock.sendto(b"x", ("127.0.0.1", one.spec.port))
                try:
                    async with asyncio.timeout(0.2):
                        await asyncio.get_running_loop().sock_recv(heir.sock, 10)
                        break
                except TimeoutError:
                    continue
