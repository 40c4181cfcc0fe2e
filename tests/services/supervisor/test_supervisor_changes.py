"""Changes of running servers, with real sockets: the new address is opened first, and a failing change leaves the old one running."""

import asyncio
import os
import socket

import msgspec
import pytest

from services.errors import AddressInUse
from services.servers.sockets import open_socket
from services.supervisor.states import State


@pytest.fixture
async def server(supervise, wanted, journal, until):
    """A running server and its supervisor."""
    supervisor, server = supervise(), wanted("ready; wait")
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    return supervisor, server


def changed(server, **fields):
    return msgspec.structs.replace(
        server, spec=msgspec.structs.replace(server.spec, **fields), revision=server.revision + 1
    )


async def test_a_changed_port_is_opened_before_the_worker_is_restarted(server, journal, until, free_port):
    supervisor, server = server
    new = changed(server, port=free_port())
    await supervisor.change(new)
    assert supervisor.state(1) is State.STOPPING
    await until(journal.reached("RUNNING", times=2))
    assert journal.moves[-1].address == new.spec.address
    assert journal.moves[-1].revision == 2
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", server.spec.port))


async def test_a_port_in_use_leaves_the_old_one_running(server, journal):
    supervisor, server = server
    with socket.create_server(("127.0.0.1", 0)) as holder:
        with pytest.raises(AddressInUse, match=f"pid {os.getpid()}"):
            await supervisor.change(changed(server, port=holder.getsockname()[1]))
    assert journal.states() == ["STARTING", "RUNNING"]
    await supervisor.reconcile([server])
    assert journal.states() == ["STARTING", "RUNNING"]


async def test_the_same_wish_after_a_change_changes_nothing(server, journal, until, free_port):
    supervisor, server = server
    new = changed(server, port=free_port())
    await supervisor.change(new)
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING", times=2))
    await supervisor.reconcile([new])
    assert len(journal.started) == 2


async def test_a_changed_reply_keeps_the_socket(server, journal, until):
    supervisor, server = server
    reply = msgspec.structs.replace(server.spec.reply, text="ready; batch; wait")
    await supervisor.change(changed(server, reply=reply))
    with socket.create_connection(("127.0.0.1", server.spec.port), timeout=5):
        await until(lambda: journal.batches)
    assert journal.states()[-1] == "RUNNING"


async def test_a_server_is_opened_to_all_addresses_on_its_own_port(server, journal, until):
    supervisor, server = server
    await supervisor.change(changed(server, host="0.0.0.0"))
    await until(journal.reached("RUNNING", times=2))
    assert journal.moves[-1].address == f"0.0.0.0:{server.spec.port}"


async def test_a_change_that_somebody_else_prevents_goes_back_to_the_old_address(server, journal, until):
    supervisor, server = server
    with socket.create_server(("127.0.0.2", server.spec.port)):
        with pytest.raises(AddressInUse):
            await supervisor.change(changed(server, host="0.0.0.0"))
        await until(journal.reached("RUNNING", times=2))
    assert journal.moves[-1].address == server.spec.address
    await supervisor.reconcile([server])
    assert supervisor.state(1) is State.RUNNING


async def test_a_change_of_what_does_not_run_is_only_remembered(supervise, wanted, journal, until, free_port):
    supervisor, server = supervise(), wanted(running=False)
    await supervisor.reconcile([server])
    new = changed(server, port=free_port())
    await supervisor.change(new)
    assert (supervisor.state(1), journal.moves) == (State.STOPPED, [])
    await supervisor.reconcile([msgspec.structs.replace(new, running=True, asked=2)])
    await until(journal.reached("RUNNING"))
    assert journal.moves[-1].address == new.spec.address


async def test_a_change_whose_server_is_stopped_meanwhile_keeps_no_socket(supervise, wanted, journal, until, free_port):
    loop, opened = asyncio.get_running_loop(), asyncio.Event()
    taken = []

    def open_slowly(spec):
        taken.append(open_socket(spec))
        loop.call_soon_threadsafe(opened.set)
        return taken[-1]

    supervisor, server = supervise(opener=open_slowly), wanted()
    await supervisor.reconcile([server])
    await until(journal.reached("RUNNING"))
    opened.clear()
    change = asyncio.create_task(supervisor.change(changed(server, port=free_port())), name="change")
    await opened.wait()
    await supervisor.reconcile([msgspec.structs.replace(server, running=False, asked=2)])
    await change
    await supervisor.reconcile([msgspec.structs.replace(server, running=False, asked=2)])
    await until(journal.reached("STOPPED"))
    assert [sock.fileno() for sock in taken] == [-1, -1]
