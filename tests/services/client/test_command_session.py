"""A session with a remote-command server: what it tells of commands, and how fast it reads."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.client.commands import Exit, Output, Session, Started, Target, connect
from services.errors import (
    ArgumentRefused,
    CommandInterrupted,
    CommandsBusy,
    ExchangeFailed,
    FrameMalformed,
    FrameTooLong,
    SessionRefused,
)
from services.servers.commands.wire import Cancel, Run
from tests.services.client.remote import Remote, Seat, echo, lasting, remote
from tests.services.servers.commands.sides import LAB, PANEL, SERVER_KEY
from tests.waiting import eventually_async


@contextlib.asynccontextmanager
async def session(answer=echo, private=LAB, **words) -> AsyncIterator[tuple[Session, Remote]]:
    """A session with a server that answers so."""
    async with remote(answer, **words) as (it, port), connect(Target("127.0.0.1", port, SERVER_KEY), private) as opened:
        yield opened, it


async def events(opened: Session, **words) -> list:
    async with opened.run(**words) as running:
        return [event async for event in running]


async def test_a_command_starts_writes_and_ends():
    async with session() as (opened, _):
        assert await events(opened, argv=["uname", "-s"]) == [
            Started(1),
            Output(1, 1, b"uname -s"),
            Exit(number=1, code=0, stdout=8),
        ]


async def test_a_session_takes_one_command_after_the_other():
    async with session() as (opened, it):
        await events(opened, argv=["uname"])
        await events(opened, shell="uname | wc")
    assert it.asked == [Run(1, argv=("uname",)), Run(2, shell="uname | wc")]


async def test_the_welcome_says_what_may_be_run_and_the_key_who_runs_it():
    async with session() as (opened, _):
        assert [(command.id, command.arguments) for command in opened.welcome.commands] == [
            ("uname", ("-s|-n|-r ...",))
        ]
        assert opened.server_key == SERVER_KEY


async def test_the_panel_says_for_whom_it_asks_and_nobody_else_is_believed():
    async with session(private=PANEL) as (opened, it):
        await events(opened, argv=["id"], who="ada")
    assert it.asked[0].who == "ada"
    async with session(private=LAB) as (opened, it):
        await events(opened, argv=["id"], who="ada")
    assert it.asked[0].who == ""


async def test_several_commands_run_at_once_each_with_its_own_output():
    async with session() as (opened, _):
        got = await asyncio.gather(*(events(opened, argv=["echo", str(number)]) for number in range(10)))
    assert [event[1].data for event in got] == [b"echo %d" % number for number in range(10)]


# What goes wrong


async def test_a_failure_is_told_by_its_own_kind():
    def refuse(seat: Seat, run: Run) -> None:
        seat.send(seat.side.failure(run.number, ArgumentRefused("uname does not take -Z: use -s, -n or -r.")))

    async with session(refuse) as (opened, _):
        with pytest.raises(ArgumentRefused, match="does not take -Z"):
            await events(opened, argv=["uname", "-Z"])
        with pytest.raises(ArgumentRefused):
            await events(opened, argv=["uname", "-Z"])  # the session goes on


async def test_a_failure_of_an_unknown_kind_is_told_too():
    class New(ArgumentRefused):
        code = "SP-5999"

    def refuse(seat: Seat, run: Run) -> None:
        seat.send(seat.side.failure(run.number, New("No such thing on Sundays.")))

    async with session(refuse) as (opened, _):
        with pytest.raises(ExchangeFailed, match=r"The server says: No such thing on Sundays. \(SP-5999\)"):
            await events(opened, argv=["uname"])


async def test_a_connection_that_ends_early_interrupts_its_commands():
    def drop(seat: Seat, run: Run) -> None:
        seat.send(seat.side.started(run.number))
        seat.transport.close()

    async with session(drop) as (opened, _):
        with pytest.raises(CommandInterrupted, match="ended before the command did"):
            await events(opened, argv=["uname"])
        with pytest.raises(CommandInterrupted):
            await events(opened, argv=["uname"])


async def test_why_the_server_ends_the_session_is_told():
    def end(seat: Seat, run: Run) -> None:
        seat.send(seat.side.failure(0, SessionRefused("The key lab was revoked.")))
        seat.transport.close()

    async with session(end) as (opened, _):
        with pytest.raises(SessionRefused, match="The key lab was revoked"):
            await events(opened, argv=["uname"])


async def test_a_server_whose_frames_make_no_sense_is_left():
    def lie(seat: Seat, run: Run) -> None:
        seat.side.started(run.number)  # this frame is left out
        seat.send(seat.side.exit(run.number, Exit(code=0)))

    async with session(lie) as (opened, it):
        with pytest.raises(FrameMalformed, match="somebody meddles"):
            await events(opened, argv=["uname"])
        await eventually_async(lambda: not it.seats)


async def test_a_command_that_no_frame_holds_is_not_sent():
    async with session() as (opened, _):
        with pytest.raises(FrameTooLong):
            await events(opened, argv=["x" * 70_000])
        assert (await events(opened, argv=["uname"]))[-1].code == 0


async def test_a_session_has_so_many_commands_at_once():
    async with session(lasting) as (opened, _), contextlib.AsyncExitStack() as stack:
        for _ in range(64):
            await stack.enter_async_context(opened.run(argv=["sleep"]))
        with pytest.raises(CommandsBusy, match="64 commands run"):
            await events(opened, argv=["sleep"])


# Cancelling and reading slowly


async def test_a_cancelled_command_tells_its_end():
    async with session(lasting) as (opened, it):
        async with opened.run(argv=["sleep", "100"]) as running:
            assert await anext(running) == Started(1)
            running.cancel()
            assert await anext(running) == Exit(number=1, signal=9, why="it was cancelled")
            running.cancel()
            assert [event async for event in running] == []
    assert it.asked == [Run(1, argv=("sleep", "100")), Cancel(1)]


async def test_leaving_the_block_cancels_the_command():
    async with session(lasting) as (opened, it):
        async with opened.run(argv=["sleep"]):
            pass
        await eventually_async(lambda: Cancel(1) in it.asked)


async def test_leaving_after_the_end_asks_for_nothing():
    async with session() as (opened, it):
        await events(opened, argv=["uname"])
    assert it.asked == [Run(1, argv=("uname",))]


async def test_what_nobody_takes_is_not_read_and_comes_later():
    chunk, total = bytes(64 * 1024), 64 * 1024 * 1024

    async def flood(seat: Seat, run: Run) -> None:
        for _ in range(total // len(chunk)):
            await seat.free.wait()
            seat.send(seat.side.output(run.number, 1, chunk))
        seat.send(seat.side.exit(run.number, Exit(code=0)))

    floods: list[asyncio.Task] = []
    async with session(lambda seat, run: floods.append(asyncio.create_task(flood(seat, run)))) as (opened, it):
        async with opened.run(argv=["yes"]) as running:
            first = await anext(running)
            await eventually_async(lambda: not any(seat.free.is_set() for seat in it.seats))
            seat = next(iter(it.seats))
            assert seat.sent < 16 * 1024 * 1024  # what the kernel and 1 MiB here hold
            taken = len(first.data) + sum([len(event.data) async for event in running if isinstance(event, Output)])
    assert taken == total
    await asyncio.gather(*floods)


async def test_what_is_left_of_an_abandoned_command_does_not_hold_up_the_next():
    def flood(seat: Seat, run: Run) -> None:
        if run.number == 1:
            seat.send(seat.side.output(1, 1, bytes(8 * 1024 * 1024)))
        else:
            echo(seat, run)

    async with session(flood) as (opened, _):
        async with opened.run(argv=["yes"]) as running:
            await anext(running)
        assert (await events(opened, argv=["uname"]))[-1].code == 0
