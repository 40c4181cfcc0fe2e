"""The remote-command server as a real process: whom it lets in, what it runs for whom, and that everything it started ends."""

import asyncio
import contextlib
import os
import socket
import ssl
import sys
import time

import pytest

from services.client.commands import Exit, Output, Started
from services.errors import (
    ArgumentRefused,
    CommandNotRecorded,
    CommandNotStarted,
    CommandRefused,
    CommandsBusy,
    CommandUnknown,
    ExchangeFailed,
    SessionRefused,
)
from services.servers import clock, report
from services.servers.report import IN, OUT
from tests.services.client.test_commands import own_address
from tests.services.servers.commanding import (
    COMMANDS,
    all_of,
    briefing,
    command,
    lasting,
    resident,
    signing_in,
)
from tests.services.servers.commands.caged import alive
from tests.services.servers.commands.sides import LAB, PANEL, STRANGER, key_of
from tests.sources import CHECKOUT
from tests.waiting import deadline

WITHIN = 2.0  # seconds in which everything that runs has ended


# Running


async def test_a_command_runs_and_its_output_comes(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session:
        started, output, ended = await all_of(session, "uname", "-s")
    assert (started, output) == (Started(1), Output(1, 1, b"Linux\n"))
    assert (ended.code, ended.stdout, ended.truncated, ended.why) == (0, 6, False, "")


async def test_it_is_written_down_before_it_runs_and_told_of_when_it_has_ended(serve_commands):
    it = await serve_commands()
    before = clock.now()
    async with signing_in(it, LAB) as session:
        await all_of(session, "uname", "-s")
    await it.until(lambda: it.closed and it.ends)
    (begun,), (ended,) = it.begun, it.ends
    assert (begun.ask, begun.connection, begun.key, begun.who) == (1, 1, "lab", "")
    assert (begun.command, begun.argv) == ("uname", ("uname", "-s"))
    assert begun.public == key_of(LAB, "lab").public
    assert begun.source == it.opened[0].peer
    assert (ended.ask, ended.code, ended.output, ended.stdout_bytes) == (1, 0, b"Linux\n", 6)
    assert before <= begun.at <= ended.at


async def test_the_line_and_its_output_are_messages_of_the_connection(serve_commands):
    it = await serve_commands(limits={"keep_bytes": 3})
    async with signing_in(it, LAB) as session:
        await all_of(session, "uname", "-s")
    await it.until(lambda: it.closed)
    assert [row[1:] for row in it.messages] == [
        (1, it.opened[0].peer, IN, b"una", 8, ""),
        (1, it.opened[0].peer, OUT, b"Lin", 6, ""),
    ]
    assert it.closed[0].why == "closed by the peer"
    assert it.identity_holds()


async def test_that_a_key_was_used_is_told(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB):
        await it.until(lambda: it.used and it.opened)
    assert (it.used[0].public, it.used[0].source) == (key_of(LAB, "lab").public, it.opened[0].peer)


async def test_nothing_runs_before_it_is_written_down(serve_commands):
    it = await serve_commands(hurry="from services.servers.commands import desk; desk.RECORD_WITHIN = 0.3")
    it.records = False
    mark = lasting()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", mark]) as running:
        await it.until(lambda: it.begun)
        assert alive(f"sleep\0{mark}") == []
        with pytest.raises(CommandNotRecorded, match="was not run"):
            await anext(running)
    await it.until(lambda: it.ends)
    assert "could not be written down" in it.ends[0].why
    assert alive(f"sleep\0{mark}") == []


async def test_a_record_that_comes_too_late_runs_nothing(serve_commands):
    it = await serve_commands(hurry="from services.servers.commands import desk; desk.RECORD_WITHIN = 0.2")
    it.records = False
    async with signing_in(it, LAB) as session:
        with pytest.raises(CommandNotRecorded):
            await all_of(session, "uname")
        it.records = True
        it.order(report.Recorded(1))
        it.order(report.Recorded(77))
        assert (await all_of(session, "uname"))[-1].code == 0
    assert [begun.ask for begun in it.begun] == [1, 2]


async def test_several_run_at_once_and_each_gets_its_own(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as one, signing_in(it, PANEL) as other:
        ran = await asyncio.gather(
            *(all_of(session, "head", str(size)) for session in (one, other) for size in (1000, 200_000, 70_000))
        )
    sizes = [sum(len(event.data) for event in events if isinstance(event, Output)) for events in ran]
    assert sizes == [1000, 200_000, 70_000] * 2
    assert [begun.ask for begun in it.begun] == [1, 2, 3, 4, 5, 6]


async def test_only_the_panel_is_believed_for_whom_it_asks(serve_commands):
    it = await serve_commands()
    for key in (LAB, PANEL):
        async with signing_in(it, key) as session:
            await all_of(session, "uname", who="ada")
    await it.until(lambda: len(it.begun) == 2)
    assert [begun.who for begun in it.begun] == ["", "ada"]


async def test_a_program_that_fails_is_no_failure_of_ours(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session:
        assert (await all_of(session, "false"))[-1].code == 1


async def test_output_beyond_the_limit_is_counted_and_marked(serve_commands):
    it = await serve_commands(output_bytes=1000)
    async with signing_in(it, LAB) as session:
        events = await all_of(session, "head", "5000")
    assert sum(len(event.data) for event in events if isinstance(event, Output)) == 1000
    assert (events[-1].stdout, events[-1].truncated) == (5000, True)
    await it.until(lambda: it.ends)
    assert (it.ends[0].stdout_bytes, it.ends[0].truncated, len(it.ends[0].output)) == (5000, True, 1000)


# What may not be run


@pytest.mark.parametrize(
    ("argv", "error"),
    [(["rm"], CommandUnknown), (["uname", "-Z"], ArgumentRefused), (["absent"], CommandNotStarted)],
)
async def test_what_cannot_be_run_is_refused_and_recorded_all_the_same(serve_commands, argv, error):
    it = await serve_commands(commands=[*COMMANDS, command("absent")])
    async with signing_in(it, LAB) as session:
        with pytest.raises(error) as caught:
            await all_of(session, *argv)
        assert (await all_of(session, "uname"))[-1].code == 0
    await it.until(lambda: len(it.ends) == 2)
    assert (it.begun[0].argv, it.ends[0].why, it.ends[0].code) == (tuple(argv), caught.value.message, None)


async def test_a_key_is_only_for_its_commands_and_sees_no_others(serve_commands):
    it = await serve_commands(briefing(key_of(LAB, "lab", commands=("false",))))
    async with signing_in(it, LAB) as session:
        assert [one.id for one in session.welcome.commands] == ["false"]
        with pytest.raises(CommandRefused, match="The key lab is not for uname"):
            await all_of(session, "uname")


@pytest.mark.parametrize(
    ("server", "key", "error"),
    [
        (False, True, "This server takes no free command line"),
        (True, False, "The key lab is not for free command lines"),
    ],
)
async def test_a_free_command_line_needs_server_and_key(serve_commands, server, key, error):
    it = await serve_commands(briefing(key_of(LAB, "lab", shell=key)), shell=server)
    async with signing_in(it, LAB) as session:
        assert session.welcome.shell is False
        with pytest.raises(CommandRefused, match=error):
            await all_of(session, shell="id")
    assert [(begun.command, begun.argv) for begun in it.begun] == [("shell", ("id",))]


async def test_a_free_command_line_where_both_agree(serve_commands):
    it = await serve_commands(briefing(key_of(LAB, "lab", shell=True)), shell=True)
    async with signing_in(it, LAB) as session:
        assert session.welcome.shell is True
        events = await all_of(session, shell="printf 'a b' | tr a-z A-Z; exit 3")
    assert (events[1], events[-1].code) == (Output(1, 1, b"A B"), 3)
    await it.until(lambda: it.closed)
    assert it.received == [b"printf 'a b' | tr a-z A-Z; exit 3"]


@pytest.mark.parametrize(
    ("limits", "words"), [({"at_once_per_key": 2}, "2 commands of this key"), ({"at_once": 2}, "2 commands run on")]
)
async def test_no_more_run_at_once_than_may(serve_commands, limits, words):
    it = await serve_commands(**limits)
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", "100"]) as one:
        async with session.run(argv=["sleep", "100"]) as two:
            assert [await anext(one), await anext(two)] == [Started(1), Started(2)]
            with pytest.raises(CommandsBusy, match=words):
                await all_of(session, "uname")
        one.cancel()
        assert isinstance(await anext(one), Exit)
        assert (await all_of(session, "uname"))[-1].code == 0


async def test_what_one_key_runs_takes_no_place_of_another(serve_commands):
    it = await serve_commands(at_once_per_key=1)
    async with signing_in(it, LAB) as lab, lab.run(argv=["sleep", "100"]) as running:
        assert await anext(running) == Started(1)
        async with signing_in(it, PANEL) as panel:
            assert (await all_of(panel, "uname"))[-1].code == 0


async def test_a_flood_of_requests_waits_for_the_store_and_all_are_answered(serve_commands):
    it = await serve_commands()
    it.records = False
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(signing_in(it, LAB)) for _ in range(5)]
        asked = [await stack.enter_async_context(each.run(argv=["rm"])) for each in sessions for _ in range(60)]
        await it.until(lambda: len(it.begun) == 64)
        it.records = True
        for begun in it.begun[:64]:
            it.order(report.Recorded(begun.ask))
        for running in asked:
            with pytest.raises(CommandUnknown):
                await anext(running)
        await it.until(lambda: len(it.begun) == 300)


# From elsewhere


@pytest.mark.parametrize("host", [own_address, lambda: "127.0.0.1"])
async def test_from_elsewhere_it_speaks_tls_and_to_this_machine_it_does_not(serve_commands, host):
    it = await serve_commands(host="0.0.0.0")
    async with signing_in(it, LAB, host=host()) as session:
        assert (await all_of(session, "uname"))[-1].code == 0


async def test_who_speaks_no_tls_from_elsewhere_is_refused_and_told_of(serve_commands):
    it = await serve_commands(host="0.0.0.0")
    reader, writer = await asyncio.open_connection(own_address(), it.address[1])
    writer.write(b"hello, I speak no TLS\r\n\r\n")
    async with deadline(5):
        with contextlib.suppress(ConnectionError):
            await reader.read()
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    await it.until(lambda: it.closed)
    assert it.closed[0].why.startswith("no TLS 1.3: ")
    assert [opened.number for opened in it.opened] == [1]
    assert dict(it.dropped) == {"refused": 1}
    assert it.identity_holds()


async def test_older_tls_is_not_spoken(serve_commands):
    it = await serve_commands(host="0.0.0.0")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(own_address(), it.address[1], ssl=context)


async def test_a_stop_waits_for_nobody_who_dawdles_in_tls(serve_commands):
    it = await serve_commands(host="0.0.0.0")
    with socket.create_connection((own_address(), it.address[1])) as sock:
        sock.sendall(b"\x16\x03\x01")
        async with signing_in(it, LAB):  # the other one was accepted before
            pass
        began = time.monotonic()
        assert await it.stop() == 0
        assert time.monotonic() - began < WITHIN
    assert "the server stopped" in {closed.why for closed in it.closed}


async def test_who_fails_from_elsewhere_again_and_again_is_kept_out_for_a_while(serve_commands):
    it = await serve_commands(host="0.0.0.0")
    for _ in range(4):
        with pytest.raises(SessionRefused):
            async with signing_in(it, STRANGER, host=own_address()):
                pass
    with pytest.raises(ExchangeFailed):
        async with signing_in(it, LAB, host=own_address()):
            pass
    async with signing_in(it, LAB) as session:
        assert (await all_of(session, "uname"))[-1].code == 0
    await it.until(lambda: it.dropped["refused"] == 5 and len(it.closed) == 5)
    assert f"{own_address()} is kept out for a while" in it.last_words()
    assert "Connections turned away: 1." in it.last_words()
    assert it.identity_holds()


# A crowd


async def test_many_strangers_from_elsewhere_are_turned_away_and_this_machine_is_not(serve_commands):
    it = await serve_commands(host="0.0.0.0")
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(socket.create_connection((own_address(), it.address[1])))
        await it.until(lambda: it.dropped["refused"] > 20)
        async with signing_in(it, LAB) as session:
            assert (await all_of(session, "uname"))[-1].code == 0
    assert len(it.opened) == 1  # who is turned away leaves no row
    assert "others were signing in" in it.last_words()


async def test_strangers_of_this_machine_leave_places_to_those_from_elsewhere(serve_commands):
    it = await serve_commands(host="0.0.0.0")
    with contextlib.ExitStack() as stack:
        for _ in range(101):
            stack.enter_context(socket.create_connection(("127.0.0.1", it.address[1])))
        await it.until(lambda: it.dropped["refused"] == 1)
        async with signing_in(it, LAB, host=own_address()) as session:
            assert (await all_of(session, "uname"))[-1].code == 0


async def test_a_client_with_a_key_comes_in_quickly_while_many_without_one_try(serve_commands):
    it = await serve_commands()
    trying = asyncio.create_task(crowd(it.address, 500, 3.0), name="crowd")
    took = []
    while not trying.done():
        began = time.monotonic()
        async with signing_in(it, LAB):
            took.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    tried = await trying
    assert tried > 500
    assert sorted(took)[int(len(took) * 0.99)] < 1.0


async def crowd(address, per_second: int, seconds: float) -> int:
    """Clients that say something wrong, so many a second; how many there were."""
    loop = asyncio.get_running_loop()
    began, count, tasks = loop.time(), 0, set()
    while (passed := loop.time() - began) < seconds:
        while count < passed * per_second:
            count += 1
            task = asyncio.create_task(nuisance(address), name="nuisance")
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks, return_exceptions=True)
    return count


async def nuisance(address) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"\0\0\0\xa1\2" + os.urandom(160))
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_much_output_passes_quickly_and_takes_no_memory(serve_commands):
    it = await serve_commands(output_bytes=1_000_000_000)
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.services.servers.commands.plain_client",
        *map(str, it.address),
        "100000000",
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await client.communicate()
    size, seconds = told.split()
    assert int(size) == 100_000_000
    assert float(seconds) < 2.0
    assert resident(it.process.pid) < 64 * 1024 * 1024
