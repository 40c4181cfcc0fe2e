"""The account, refusals and pruning in a shell: tables for people, JSON for scripts, and nothing removed without a yes."""

import asyncio
import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services import operations
from services.models import Counters, Incident, Message, Server
from tests.ports import free_port
from tests.services.management.conftest import Manage

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture
async def lab() -> Server:
    return await asyncio.to_thread(operations.create, {"preset": "echo", "name": "lab", "port": free_port()}, "ada")


def line(told: str, name: str) -> str:
    """What stands behind `name` in a server's details."""
    found = re.search(rf"^  {name} +(.+)$", told, re.MULTILINE)
    return found[1] if found else ""


async def test_every_loss_stands_in_the_account_with_its_reason(lab: Server, manage: Manage) -> None:
    await Counters.objects.acreate(
        server_id=lab.pk,
        received=1010,
        stored=1000,
        dropped={"oversize": 3, "kernel": 7},
        bytes_in=5_300,
        stored_bytes=5_000,
        dropped_bytes={"oversize": 300},
        refused={"source": 4},
    )
    told = (await manage("servers", "status", "lab")).out
    assert line(told, "received") == (
        "1,010 messages, 1,000 stored, 7 dropped (kernel), 3 dropped (oversize); 5,300 bytes, 5,000 stored, 300 dropped"
    )
    assert line(told, "account") == "every message is accounted for"
    assert line(told, "refused") == "4 connections (source)"


async def test_what_is_on_its_way_is_said(lab: Server, manage: Manage) -> None:
    await Counters.objects.acreate(server_id=lab.pk, received=10, stored=7, bytes_in=10, stored_bytes=7)
    told = (await manage("servers", "status", "lab")).out
    assert line(told, "account") == "3 messages (3 bytes) are on their way to the database: look again"


async def test_a_script_reads_the_numbers(lab: Server, manage: Manage) -> None:
    await Counters.objects.acreate(
        server_id=lab.pk, received=2, dropped={"rate": 2}, dropped_bytes={"rate": 9}, bytes_in=9
    )
    counters = (await manage("servers", "status", "lab", "--json")).json["counters"]
    assert (counters["dropped"], counters["dropped_bytes"], counters["refused"]) == ({"rate": 2}, {"rate": 9}, {})


async def test_refusals_are_listed_the_newest_first(lab: Server, manage: Manage) -> None:
    assert (await manage("servers", "incidents", "lab")).out == "lab has refused nothing and slowed nobody down.\n"
    for number in range(1, 13):
        await Incident.objects.acreate(
            server_id=lab.pk,
            at=number * 1_000_000,
            rule="source",
            source="10.1.2.3",
            what=f"refused\x1b {number}",
            count=number,
        )
    told = await manage("servers", "incidents", "lab")
    assert re.search(r"^1970-01-01T00:00:12.000000Z +source +12 +refused\\x1b 12$", told.out, re.MULTILINE)
    assert len(told.out.splitlines()) == 11
    assert [
        one["count"] for one in (await manage("servers", "incidents", "lab", "-n", "2", "--json")).json["incidents"]
    ] == [12, 11]


@pytest.mark.parametrize("lines", ["0", "1001", "x", "-1"])
async def test_a_number_of_lines_that_makes_no_sense_is_refused(manage: Manage, lines: str) -> None:
    assert (await manage("servers", "incidents", "lab", "-n", lines)).code == 2


async def test_pruning_keeps_the_newest_messages_and_the_account(node: Any, manage: Manage) -> None:
    server = await node.running(preset="echo", name="lab", port=free_port())
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for number in range(5):
        writer.write(b"%d" % number)
        await asyncio.wait_for(reader.readexactly(1), 10)
    await node.until(server, lambda told: told["counters"]["sent_stored"] == 5)
    pruned = await manage("servers", "prune", "lab", "--keep", "3", "--yes")
    assert (pruned.code, pruned.out) == (0, "Removed 7 messages.\n")
    kept = await sync_to_async(list)(
        Message.objects.filter(server_id=server.pk).order_by("seq").values_list("seq", flat=True)
    )
    assert kept == [8, 9, 10]
    counters = (await manage("servers", "status", "lab", "--json")).json["counters"]
    assert (counters["received"], counters["stored"], counters["last_seq"]) == (5, 5, 10)
    writer.close()


async def test_nothing_is_pruned_without_a_yes(lab: Server, manage: Manage) -> None:
    await Counters.objects.acreate(server_id=lab.pk, last_seq=1200)
    asked = await manage("servers", "prune", "lab", "--keep", "200", typed=b"n\n")
    assert (asked.code, asked.err) == (1, "Nothing was pruned.\n")
    assert asked.out.startswith("Remove the oldest 1,000 messages of lab for good? [y/N] ")
    alone = await manage("servers", "prune", "lab", "--keep", "200")
    assert (alone.code, alone.err) == (2, "Nothing was pruned, for nobody can be asked here: add --yes.\n")


async def test_a_negative_number_to_keep_is_refused(lab: Server, manage: Manage) -> None:
    done = await manage("servers", "prune", "lab", "--keep", "-1", "--yes")
    assert (done.code, done.err) == (1, "keep: Keep 0 or more of the newest messages.\n")
