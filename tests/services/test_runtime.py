"""From a row to a socket and back: what is wanted is run, what comes in is recorded, and both survive a restart."""

import asyncio
import os
import signal
import socket

import pytest
from asgiref.sync import sync_to_async
from django.db.models import F

from services import operations
from services.errors import AddressInUse, ConnectionUnknown, NameTaken, NotRunning, SockpanelError, SupervisorAway
from services.models import Connection, Message, Run, Server, StateChange
from services.runtime import Runtime
from tests.ports import free_port
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


def stored(server: Server) -> list[tuple[int, int, bytes]]:
    found = Message.objects.filter(server_id=server.pk).order_by("seq").values_list("seq", "direction", "data")
    return [(seq, direction, bytes(data)) for seq, direction, data in found]


async def messages(server: Server, count: int) -> list[tuple[int, int, bytes]]:
    async def enough() -> list:
        found = await sync_to_async(stored)(server)
        return found if len(found) >= count else []

    return await eventually_async(enough)


async def exchange(port: int, data: bytes, expect: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        async with asyncio.timeout(5):
            return await reader.readexactly(expect)
    finally:
        writer.close()
        await writer.wait_closed()


def refused(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


async def test_an_echo_server_answers_and_both_directions_are_stored(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    assert await exchange(port, b"abc", 3) == b"abc"
    assert await messages(server, 2) == [(1, 0, b"abc"), (2, 1, b"abc")]


async def test_a_stopped_server_frees_its_port_and_keeps_its_messages(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    await exchange(port, b"abc", 3)
    asked = await asyncio.to_thread(operations.stop, server, "ada")
    status = await operations.asettle(server, asked)
    assert (status.state, refused(port)) == ("STOPPED", True)
    assert len(await messages(server, 2)) == 2


async def test_every_move_is_written_down_with_who_asked(node):
    server = await node.running(preset="echo", port=free_port())
    changes = StateChange.objects.filter(server_id=server.pk).order_by("id").values_list("old", "new", "who")
    assert await sync_to_async(list)(changes) == [("STOPPED", "STARTING", "ada"), ("STARTING", "RUNNING", "")]


@pytest.mark.parametrize("is_early", [True, False])
async def test_a_start_that_is_asked_while_the_supervisor_begins_is_still_somebodys(node, monkeypatch, is_early):
    server = await node.create(preset="echo", port=free_port())
    await node.down()
    take_over = Runtime._take_over

    async def taken_over(runtime: Runtime) -> None:
        if not is_early:
            await take_over(runtime)
        await Server.objects.filter(pk=server.pk).aupdate(wanted="running", asked=F("asked") + 1, asked_by="bob")
        if is_early:
            await take_over(runtime)

    monkeypatch.setattr(Runtime, "_take_over", taken_over)
    await node.up()
    await node.until(server, lambda it: it["state"] == "RUNNING")
    moves = StateChange.objects.filter(server_id=server.pk).order_by("id").values_list("new", "who")
    assert (await sync_to_async(list)(moves))[0] == ("STARTING", "bob")


async def test_a_port_in_use_is_fatal_and_names_the_holder(node):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        server = await node.create(preset="echo", port=holder.getsockname()[1])
        warnings = await asyncio.to_thread(operations.warnings, server)
        described = await node.start(server)
    assert described["state"] == "FATAL"
    assert f"in use by pid {os.getpid()}" in described["reason"]
    assert f"in use by pid {os.getpid()}" in warnings[0]


async def test_a_failed_server_starts_once_its_port_is_free(node):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        server = await node.create(preset="echo", port=port)
        assert (await node.start(server))["state"] == "FATAL"
    assert (await node.start(server))["state"] == "RUNNING"


async def test_what_was_running_comes_back_and_counts_on(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    await exchange(port, b"one", 3)
    await messages(server, 2)
    await node.down()
    assert (await node.look(server))["state"] == "STOPPED"
    assert refused(port)
    await node.up()
    await node.until(server, lambda it: it["state"] == "RUNNING")
    await exchange(port, b"two", 3)
    assert [seq for seq, _, _ in await messages(server, 4)] == [1, 2, 3, 4]
    assert await Connection.objects.filter(server_id=server.pk).acount() == 2


async def test_autostart_needs_nobody_to_ask(node):
    server = await node.create(preset="echo", port=free_port(), autostart=True)
    await node.down()
    await Server.objects.filter(pk=server.pk).aupdate(asked_by="ada")  # whoever asked last is not who asks now
    await node.up()
    await node.until(server, lambda it: it["state"] == "RUNNING")
    first = await StateChange.objects.filter(server_id=server.pk, new="STARTING").afirst()
    assert first is not None
    assert first.who == ""


async def test_a_killed_worker_is_replaced_and_the_run_remembers_the_signal(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    pid = (await node.look(server))["pid"]
    os.kill(pid, signal.SIGKILL)
    await node.until(server, lambda it: it["state"] == "RUNNING" and it["pid"] not in (pid, None))
    assert await exchange(port, b"abc", 3) == b"abc"
    run = await Run.objects.aget(server_id=server.pk, number=1)
    assert run.signal == signal.SIGKILL


async def test_received_is_stored_plus_dropped_at_rest(node):
    port = free_port(socket.SOCK_DGRAM)
    server = await node.running(preset="sink", port=port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for number in range(500):
            client.sendto(b"%d" % number, ("127.0.0.1", port))
    described = await node.until(server, lambda it: it["counters"]["received"] == 500)
    counters = described["counters"]
    assert counters["received"] == counters["stored"] + sum(counters["dropped"].values())


async def test_bytes_sent_by_hand_reach_the_client_and_carry_the_name(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await eventually_async(lambda: Connection.objects.filter(server_id=server.pk, closed_at=None).aexists())
    count = await asyncio.to_thread(operations.send, server, b"\x02OK\r\n", "grace", connection=1)
    async with asyncio.timeout(5):
        assert await reader.readexactly(5) == b"\x02OK\r\n"
    writer.close()
    await messages(server, 1)
    message = await Message.objects.aget(server_id=server.pk, seq=1)
    assert (count, message.sent_by, message.direction) == (1, "grace", 1)


async def test_sending_to_nobody_says_so(node):
    server = await node.running(preset="echo", port=free_port())
    with pytest.raises(ConnectionUnknown):
        await asyncio.to_thread(operations.send, server, b"x", "ada", connection=99)


async def test_sending_to_a_stopped_server_says_so(node):
    server = await node.create(preset="echo", port=free_port())
    with pytest.raises(NotRunning, match="start it"):
        await asyncio.to_thread(operations.send, server, b"x", "ada", connection=1)


async def test_one_connection_can_be_closed(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await eventually_async(lambda: Connection.objects.filter(server_id=server.pk, closed_at=None).aexists())
    await asyncio.to_thread(operations.close_connection, server, 1, "ada")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await eventually_async(lambda: Connection.objects.filter(server_id=server.pk).exclude(closed_at=None).aexists())


async def test_a_change_of_a_running_server_is_served_at_once(node):
    port, other = free_port(), free_port()
    server = await node.running(preset="echo", port=port)
    await asyncio.to_thread(operations.change, server, {"port": other, "reply": {"type": "upper"}}, "ada")
    await node.until(server, lambda it: it["state"] == "RUNNING" and str(other) in it["address"])
    assert await exchange(other, b"abc", 3) == b"ABC"
    assert refused(port)


async def test_a_change_that_cannot_be_bound_leaves_the_old_one_running(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    with socket.create_server(("127.0.0.1", 0)) as holder, pytest.raises(AddressInUse):
        await asyncio.to_thread(operations.change, server, {"port": holder.getsockname()[1]}, "ada")
    assert (await node.look(server))["port"] == port
    assert await exchange(port, b"abc", 3) == b"abc"


async def test_notes_change_without_a_restart(node):
    server = await node.running(preset="echo", port=free_port())
    pid = (await node.look(server))["pid"]
    await asyncio.to_thread(operations.change, server, {"notes": "line 3", "name": "renamed"}, "ada")
    described = await node.look(server)
    assert (described["pid"], described["notes"], described["name"]) == (pid, "line 3", "renamed")


async def test_a_taken_name_creates_nothing(node):
    await node.create(preset="echo", port=free_port())
    with pytest.raises(NameTaken):
        await node.create(preset="echo", port=free_port())
    assert await Server.objects.acount() == 1


async def test_a_recorder_that_failed_ends_the_supervisor_with_a_word(node, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("services.recorder.retention.prune", broken)
    await node.create(preset="echo", port=free_port())
    with pytest.raises(SockpanelError, match="recorder has failed"):
        await node.ended()


async def test_a_deleted_server_stops_and_takes_its_messages_along(node):
    port = free_port()
    server = await node.running(preset="echo", port=port)
    await exchange(port, b"abc", 3)
    await messages(server, 2)
    key = server.pk
    await asyncio.to_thread(operations.remove, server, "ada")
    assert refused(port)

    async def gone() -> bool:
        return not await Message.objects.filter(server_id=key).aexists()

    await eventually_async(gone)


async def test_without_a_supervisor_a_start_says_what_to_do(node):
    server = await node.create(preset="echo", port=free_port())
    await node.down()
    with pytest.raises(SupervisorAway, match=r"manage\.py"):
        await asyncio.to_thread(operations.start, server, "ada")


async def test_stopping_what_is_stopped_settles_at_once(node):
    server = await node.create(preset="echo", port=free_port())
    asked = await asyncio.to_thread(operations.stop, server, "ada")
    status = await operations.asettle(server, asked, wait=5)
    assert status.state == "STOPPED"


async def test_a_restart_gives_a_new_worker(node):
    server = await node.running(preset="echo", port=free_port())
    pid = (await node.look(server))["pid"]
    asked = await asyncio.to_thread(operations.restart, server, "ada")
    await operations.asettle(server, asked)
    described = await node.look(server)
    assert described["state"] == "RUNNING"
    assert described["pid"] != pid


async def test_what_ended_by_itself_stays_ended_after_a_restart(node):
    options = {"interval": 0.1, "count": 1, "destination": f"127.255.255.255:{free_port(socket.SOCK_DGRAM)}"}
    server = await node.create(preset="broadcast-sender", options=options)
    await asyncio.to_thread(operations.start, server, "ada")
    await node.until(server, lambda it: it["state"] == "EXITED")
    await node.down()
    await node.up()
    other = await node.running(preset="echo", port=free_port())
    assert (await node.look(other))["state"] == "RUNNING"
    assert (await node.look(server))["state"] == "EXITED"
    assert await Run.objects.filter(server_id=server.pk).acount() == 1
