"""Two Sockpanels that broadcast into one network settle to the rate that was set, whatever they answer."""

import shutil
import subprocess
from contextlib import AsyncExitStack

import pytest

from services.servers.spec import BroadcastSenderOptions, Reply
from services.supervisor.wanted import Wanted
from tests.namespaces import in_own_network
from tests.services.supervisor.conftest import Journal, until
from tests.services.supervisor.nodes import Node, server

NETWORK = (
    "ip link add left type veth peer name right",
    "ip address add 10.9.0.1/24 broadcast 10.9.0.255 dev left",
    "ip link set left up",
    "ip link set right up",
)
ROUNDS, INTERVAL = 30, 0.1  # three seconds


def sender(id: int, port: int) -> Wanted:
    options = BroadcastSenderOptions(interval=INTERVAL, destination=f"10.9.0.255:{port}", count=ROUNDS)
    return server(id, kind="broadcast-sender", host="10.9.0.1", port=0, reply=Reply(), options=options)


def receiver(id: int, port: int) -> Wanted:
    return server(id, kind="broadcast-receiver", host="0.0.0.0", port=port)


@in_own_network
async def _two_panels() -> None:
    for command in NETWORK:
        subprocess.run(command.split(), check=True)
    async with AsyncExitStack() as stack:
        one, two = Node(Journal()), Node(Journal())
        for node, receives in ((one, 9999), (two, 9998)):
            stack.push_async_callback(node.supervisor.close)
            await node.supervisor.reconcile([receiver(1, receives)])
            await until(node.journal, node.journal.reached("RUNNING", 1))
        await one.supervisor.reconcile([receiver(1, 9999), sender(2, 9999), sender(3, 9998)])
        await two.supervisor.reconcile([receiver(1, 9998), sender(2, 9999)])
        for node, servers in ((one, (2, 3)), (two, (2,))):
            for id in servers:
                await until(node.journal, node.journal.reached("EXITED", id))
        await until(one.journal, lambda: one.count(1, "received") == 2 * ROUNDS)
        await until(two.journal, lambda: two.count(1, "received") == ROUNDS)
        assert [node.count(id, "sent") for node, id in ((one, 2), (one, 3), (two, 2))] == [ROUNDS] * 3
        ours = one.lost(1, "loop", "sent_dropped")
        assert ROUNDS - 1 <= ours <= ROUNDS  # the first may be out before the news of its port is in
        assert (one.count(1, "sent"), two.count(1, "sent")) == (2 * ROUNDS, ROUNDS)
        assert one.count(2, "received") == ROUNDS - ours


def test_two_panels_settle_to_their_rate_and_answer_the_other_but_never_themselves():
    if shutil.which("ip") is None:
        pytest.skip("The network of this test is made by ip, of iproute2, and it is not installed.")
    _two_panels()
