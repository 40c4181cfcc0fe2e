"""One session with a real server: how its commands end, what a key that changes means to it, and who gets none."""

import time

import pytest

from services.client.commands import Started
from services.errors import CommandInterrupted, CommandRefused, SessionRefused
from services.servers import clock, report
from tests.services.servers.commanding import all_of, briefing, lasting, options, resident, signing_in
from tests.services.servers.commands.caged import alive
from tests.services.servers.commands.sides import (
    LAB,
    PANEL,
    STRANGER,
    auth_of,
    client_side,
    key_of,
    server_side,
)
from tests.waiting import eventually_async

WITHIN = 2.0  # seconds in which everything that runs has ended
SECOND = 1_000_000  # microseconds
HELLO = 117  # bytes of the server's first frame
REFUSED = b"\0\0\0\1\4"

# The end of a command


async def test_a_cancelled_command_ends_with_all_that_it_started(serve_commands):
    it = await serve_commands(briefing(key_of(LAB, "lab", shell=True)), shell=True)
    mark = lasting()
    async with (
        signing_in(it, LAB) as session,
        session.run(shell=f"setsid sleep {mark} & sleep {mark}; true") as running,
    ):
        assert await anext(running) == Started(1)
        await eventually_async(lambda: len(alive(f"sleep\0{mark}")) == 2)
        began = time.monotonic()
        running.cancel()
        ended = await anext(running)
        assert (ended.signal, ended.why) == (9, "it was cancelled")
        assert alive(f"sleep\0{mark}") == []
        assert time.monotonic() - began < WITHIN


async def test_a_command_that_waits_to_be_written_down_can_be_cancelled(serve_commands):
    it = await serve_commands()
    it.records = False
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", "100"]) as running:
        await it.until(lambda: it.begun)
        running.cancel()
        ended = await anext(running)
        assert (ended.code, ended.signal, ended.why) == (None, None, "it was cancelled")
        it.order(report.Recorded(1))
    assert [(ended.ask, ended.why) for ended in it.ends] == [(1, "it was cancelled")]


async def test_when_its_client_goes_everything_that_it_ran_ends(serve_commands):
    it = await serve_commands()
    mark = lasting()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", mark]) as running:
        assert await anext(running) == Started(1)
        began = time.monotonic()
        await session.close()
        await it.until(lambda: it.ends)
        assert alive(f"sleep\0{mark}") == []
        assert time.monotonic() - began < WITHIN
    assert (it.ends[0].signal, it.ends[0].why) == (9, "its connection ended")


async def test_a_command_takes_no_longer_than_it_may(serve_commands):
    it = await serve_commands(timeout=1.0)
    async with signing_in(it, LAB) as session:
        ended = (await all_of(session, "sleep", "100"))[-1]
    assert (ended.signal, ended.why) == (9, "it took longer than 1 s")


async def test_a_stop_ends_what_runs_and_says_so(serve_commands):
    it = await serve_commands()
    mark = lasting()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", mark]) as running:
        assert await anext(running) == Started(1)
        began = time.monotonic()
        assert await it.stop() == 0
        assert time.monotonic() - began < WITHIN
        assert alive(f"sleep\0{mark}") == []
        assert (await anext(running)).why == "the server stopped"
        with pytest.raises(CommandInterrupted, match="the server stopped"):
            await all_of(session, "uname")
    assert [ended.why for ended in it.ends] == ["the server stopped"]
    assert [closed.why for closed in it.closed] == ["the server stopped"]


async def test_closing_the_connection_from_the_panel_ends_what_it_runs(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", "100"]) as running:
        assert await anext(running) == Started(1)
        assert (await it.ask(report.Close, connection=1)).count == 1
        with pytest.raises(CommandInterrupted, match="closed from the panel"):
            await anext(running)
    await it.until(lambda: it.ends and it.closed)
    assert it.ends[0].why == it.closed[0].why == "closed from the panel"


async def test_nobody_sends_bytes_into_a_session(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session:
        done = await it.ask(report.Send, data=b"x", connection=1)
        assert (done.code, done.count) == ("SP-2208", 0)
        assert (await all_of(session, "uname"))[-1].code == 0


# Keys that change


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([key_of(LAB, "lab", revoked=True)], "the key lab is revoked"),
        ([key_of(LAB, "lab", sources=("192.0.2.0/24",))], "used from 127.0.0.1, which the key lab is not for"),
        ([key_of(LAB, "lab", expires_at=1)], "the key lab has expired"),
        ([key_of(PANEL, "the panel")], "the key lab is gone"),
    ],
)
async def test_a_key_that_is_taken_back_ends_its_sessions_and_all_that_they_run(serve_commands, keys, why):
    it = await serve_commands()
    mark = lasting()
    async with signing_in(it, PANEL) as panel:
        async with signing_in(it, LAB) as lab, lab.run(argv=["sleep", mark]) as running:
            assert await anext(running) == Started(1)
            began = time.monotonic()
            it.order(report.Brief(briefing(*keys, key_of(PANEL, "the panel"))))
            with pytest.raises(SessionRefused, match=why):
                await anext(running)
            await it.until(lambda: it.ends and it.closed)
            assert alive(f"sleep\0{mark}") == []
            assert time.monotonic() - began < WITHIN
        assert (it.ends[0].why, it.closed[0].why) == (why, why)
        with pytest.raises(SessionRefused):
            async with signing_in(it, LAB):
                pass
        assert (await all_of(panel, "uname"))[-1].code == 0


async def test_a_key_that_expires_meanwhile_ends_its_session_at_that_moment(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", "100"]) as running:
        assert await anext(running) == Started(1)
        expires = clock.now() + SECOND // 2
        it.order(report.Brief(briefing(key_of(LAB, "lab", expires_at=expires))))
        with pytest.raises(SessionRefused, match="the key lab has expired"):
            await anext(running)
        assert clock.now() >= expires
    await it.until(lambda: it.ends)
    assert it.ends[0].why == "the key lab has expired"


async def test_a_key_that_is_for_less_from_now_on_keeps_its_session_and_loses_what_it_may_not(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", "100"]) as running:
        assert await anext(running) == Started(1)
        it.order(report.Brief(briefing(key_of(LAB, "lab", commands=("uname",)))))
        assert (await anext(running)).why == "the key lab is not for it any more"
        assert (await all_of(session, "uname"))[-1].code == 0
        with pytest.raises(CommandRefused):
            await all_of(session, "sleep", "1")


async def test_a_key_that_is_added_may_come_in_at_once(serve_commands):
    it = await serve_commands()
    with pytest.raises(SessionRefused):
        async with signing_in(it, STRANGER):
            pass
    it.order(report.Brief(briefing(key_of(STRANGER, "new"))))
    await it.ask(report.Close, connection=99)  # what comes after it is answered after it
    async with signing_in(it, STRANGER) as session:
        assert (await all_of(session, "uname"))[-1].code == 0


# Who is not let in


def bad_signature() -> bytes:
    """What a client signs that has seen another server's HELLO."""
    return auth_of(server_side())


REFUSALS = [
    ({"revoked": True}, "the key lab is revoked"),
    ({"expires_at": 1}, "the key lab has expired"),
    ({"sources": ("10.0.0.0/8",)}, "used from 127.0.0.1, which the key lab is not for"),
]


@pytest.mark.parametrize(("words", "why"), REFUSALS)
async def test_the_reason_is_for_the_admin_and_not_for_the_client(serve_commands, words, why):
    it = await serve_commands(briefing(key_of(LAB, "lab", **words)))
    with pytest.raises(SessionRefused) as caught:
        async with signing_in(it, LAB):
            pass
    await it.until(lambda: it.closed)
    assert it.closed[0].why == why
    assert why not in caught.value.message
    assert (it.counted["received"], dict(it.dropped), it.messages, it.used) == (1, {"refused": 1}, [], [])
    assert it.identity_holds()


async def test_a_key_that_is_revoked_while_its_holder_signs_in_is_refused(serve_commands, connect):
    it = await serve_commands()
    client, side = await connect(it.address), client_side(LAB)
    assert list(side.receive(await client.hear(HELLO))) == []
    it.order(report.Brief(briefing(key_of(LAB, "lab", revoked=True))))
    await it.ask(report.Close, connection=99)  # what was ordered before it is heard before it
    await client.say(side.take())
    assert await client.hear_all() == REFUSED
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "the key lab is revoked"


async def test_an_unknown_key_is_told_by_its_first_digits(serve_commands):
    it = await serve_commands()
    with pytest.raises(SessionRefused):
        async with signing_in(it, STRANGER):
            pass
    await it.until(lambda: it.closed)
    assert it.closed[0].why == f"unknown key {key_of(STRANGER, '').public.hex()[:16]}…"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (bad_signature, "bad signature of key lab"),
        (lambda: b"\0\0\0\x05hello", "what it says first is no AUTH of sp-rc/1"),
        (lambda: b"GET / HTTP/1.1\r\n\r\n", "A frame of 1195725856 > max 4096"),
        (lambda: b"\xff" * 4, "A frame of 4294967295 > max 4096"),
    ],
)
async def test_everybody_who_is_refused_gets_the_same_bytes(serve_commands, connect, said, why):
    it = await serve_commands()
    client = await connect(it.address)
    await client.say(said())
    assert (await client.hear_all())[HELLO:] == REFUSED
    await it.until(lambda: it.closed)
    assert it.closed[0].why.startswith(why)
    assert dict(it.dropped) == {"refused": 1}
    assert it.identity_holds()


async def test_whoever_does_not_sign_in_in_time_is_sent_away(serve_commands, connect):
    it = await serve_commands(hurry="from services.servers.commands import admission; admission.GRACE = 0.3")
    began = time.monotonic()
    assert (await (await connect(it.address)).hear_all())[HELLO:] == REFUSED
    assert 0.2 < time.monotonic() - began < 2
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "it did not sign in within 0.3 s"


async def test_who_has_signed_in_may_stay(serve_commands, connect):
    it = await serve_commands(hurry="from services.servers.commands import admission; admission.GRACE = 0.3")
    async with signing_in(it, LAB) as session:
        await (await connect(it.address)).hear_all()  # so long has passed
        assert (await all_of(session, "uname"))[-1].code == 0


async def test_a_frame_that_makes_no_sense_ends_the_session_and_is_counted(serve_commands):
    it = await serve_commands()
    async with signing_in(it, LAB) as session, session.run(argv=["sleep", "100"]) as running:
        assert await anext(running) == Started(1)
        session._transport.write(b"\0\0\0\x2a" + b"\x11" * 42)
        with pytest.raises(Exception, match="somebody meddles"):
            await anext(running)
    await it.until(lambda: it.closed and it.ends)
    assert "somebody meddles" in it.closed[0].why
    assert dict(it.dropped) == {"malformed": 1}
    assert it.identity_holds()


async def test_without_a_key_of_its_own_it_does_not_serve(serve):
    it = await serve(**options())
    assert isinstance(it.others[0], report.Failed)
    assert it.others[0].message == "The worker cannot serve: it was given no key of its own."


# Clients that do not read


async def test_a_client_that_does_not_read_holds_up_its_command_and_not_our_memory(serve_commands):
    it = await serve_commands(output_bytes=500_000_000)
    async with signing_in(it, LAB) as slow, slow.run(argv=["head", "500000000"]) as running:
        assert await anext(running) == Started(1)
        slow._transport.pause_reading()
        async with signing_in(it, PANEL) as quick:
            for _ in range(20):
                assert (await all_of(quick, "uname"))[-1].code == 0
        assert resident(it.process.pid) < 64 * 1024 * 1024
        running.cancel()
        await it.until(lambda: any(ended.why == "it was cancelled" for ended in it.ends))
    assert resident(it.process.pid) < 64 * 1024 * 1024


async def test_a_client_that_never_reads_is_cut_off(serve_commands):
    it = await serve_commands(output_bytes=500_000_000, limits={"write_timeout": 1.0}, timeout=30.0)
    async with signing_in(it, LAB) as slow, slow.run(argv=["head", "500000000"]) as running:
        assert await anext(running) == Started(1)
        slow._transport.pause_reading()
        await it.until(lambda: it.closed and it.ends)
    assert "unread for 1 s" in it.closed[0].why
    assert it.ends[0].why == "its connection ended"
    assert it.ends[0].stdout_bytes < 100_000_000  # the kernel of either side holds up to some 40 MB of it
