"""Exchanges over TCP and UNIX streams, against servers of a few lines each."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.client import build, exchange, stream
from services.client.request import MAX_RECEIVED, Exchange
from services.errors import ExchangeRefused, ExchangeReset, ExchangeTimedOut, FrameTooLong, RequestRefused

Serve = Callable[..., Awaitable[int]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def talk(port: int, data: bytes = b"", **words: object) -> Exchange:
    return await exchange(build({"transport": "tcp", "host": "127.0.0.1", "port": port, "data": data, **words}))


async def test_what_came_back_is_told_with_its_sender_and_time(serve_tcp: Serve) -> None:
    port = await serve_tcp(echo)
    done = await talk(port, b"abc")
    assert (done.sent, [piece.data for piece in done.received]) == (b"abc", [b"abc"])
    assert done.received[0].peer == done.peer == f"127.0.0.1:{port}"
    assert done.local.startswith("127.0.0.1:")
    assert done.received[0].at >= done.sent_at
    assert (done.ended, done.note, done.bytes_received) == ("quiet", "", 3)


async def test_an_answer_is_there_long_before_the_timeout(serve_tcp: Serve) -> None:
    port = await serve_tcp(echo)
    async with asyncio.timeout(2):
        done = await talk(port, b"abc", timeout=60)
    assert done.seconds < 1


async def test_a_one_shot_server_ends_the_exchange_at_once(serve_tcp: Serve) -> None:
    async def over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"over")

    done = await talk(await serve_tcp(over), b"anything")
    assert ([piece.data for piece in done.received], done.ended, done.note) == ([b"over"], "closed", "")


async def test_a_silent_server_is_told_as_one(serve_tcp: Serve) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    done = await talk(await serve_tcp(silent), b"abc", timeout=0.2)
    assert (done.received, done.ended, done.note) == ([], "timeout", "Nothing came back within 0.2 s.")


async def test_a_server_that_closes_without_a_word_is_told_as_one(serve_tcp: Serve) -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)

    port = await serve_tcp(closes)
    done = await talk(port, b"abc")
    assert (done.ended, done.note) == ("closed", f"127.0.0.1:{port} closed the connection without an answer.")


async def test_a_greeting_needs_nothing_sent(serve_tcp: Serve) -> None:
    async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.read()

    done = await talk(await serve_tcp(greets))
    assert (done.sent, [piece.data for piece in done.received]) == (b"", [b"220 ready\r\n"])


async def test_a_server_that_answers_the_end_of_the_stream_gets_one_when_asked(serve_tcp: Serve) -> None:
    async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"%d bytes" % len(await reader.read()))

    done = await talk(await serve_tcp(counts), b"abc", finish=True)
    assert [piece.data for piece in done.received] == [b"3 bytes"]


async def test_expecting_nothing_hands_everything_over_and_leaves(serve_tcp: Serve) -> None:
    got = asyncio.get_running_loop().create_future()

    async def reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.read(-1))

    done = await talk(await serve_tcp(reads), b"x" * 300_000, expect=0)
    assert len(await asyncio.wait_for(got, 5)) == 300_000
    assert (done.received, done.note) == ([], "")


@pytest.mark.parametrize(
    ("framing", "data", "sent"),
    [
        ({"type": "line"}, b"abc", b"abc\n"),
        ({"type": "line"}, b"abc\r\n", b"abc\r\n"),
        ({"type": "delimiter", "delimiter": r"\x03"}, b"abc", b"abc\x03"),
        ({"type": "fixed", "size": 3}, b"abc", b"abc"),
        ({"type": "length", "size": 2}, b"abc", b"\0\3abc"),
        ({"type": "length", "size": 4, "order": "little", "includes_itself": True}, b"", b"\4\0\0\0"),
    ],
)
async def test_a_framed_answer_ends_the_exchange(serve_tcp: Serve, framing: object, data: bytes, sent: bytes) -> None:
    done = await talk(await serve_tcp(echo), data, framing=framing, timeout=10)
    assert (done.sent, done.ended, done.note) == (sent, "answered", "")
    assert [piece.data for piece in done.received] == [data.rstrip(b"\r\n")]


async def test_as_many_framed_answers_are_awaited_as_were_asked_for(serve_tcp: Serve) -> None:
    done = await talk(await serve_tcp(echo), b"one\ntwo\nthree\n", framing="line", timeout=10)
    assert [piece.data for piece in done.received] == [b"one", b"two", b"three"]


async def test_missing_and_unfinished_answers_are_counted(serve_tcp: Serve) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"one\ntw")
        await reader.read()

    done = await talk(await serve_tcp(half), b"1\n2\n", framing="line", timeout=0.3)
    assert [piece.data for piece in done.received] == [b"one", b"tw"]
    assert done.note == "1 of 2 messages came back within 0.3 s. The last 2 bytes are no whole message."


async def test_a_message_of_the_wrong_fixed_size_is_not_sent(free_port: int) -> None:
    with pytest.raises(RequestRefused, match="has 4 bytes here, and this has 3"):
        await talk(free_port, b"abc", framing={"type": "fixed", "size": 4})


async def test_an_answer_over_the_limit_is_refused_from_its_header(serve_tcp: Serve) -> None:
    async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xff\xff\xff\xff")
        await reader.read()

    with pytest.raises(FrameTooLong, match="4294967295 > max 1048576"):
        await talk(await serve_tcp(huge), b"", framing={"type": "length", "size": 4})


@pytest.mark.parametrize(("size", "kept"), [(MAX_RECEIVED, ""), (MAX_RECEIVED + 1, "1,048,576 of 1,048,577 bytes")])
async def test_so_much_is_kept_of_a_large_answer(serve_tcp: Serve, size: int, kept: str) -> None:
    done = await talk(await serve_tcp(echo), b"x" * size, timeout=20)
    assert sum(len(piece.data) for piece in done.received) == MAX_RECEIVED
    assert (len(done.sent), done.bytes_received) == (size, size)
    assert kept in done.note
    assert bool(kept) == bool(done.note)


async def test_ten_megabytes_to_an_echo_server_do_not_stall(serve_tcp: Serve) -> None:
    done = await talk(await serve_tcp(echo), b"x" * 10_000_000, timeout=30)
    assert done.bytes_received == 10_000_000


async def test_what_a_server_did_not_take_is_counted(serve_tcp: Serve) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.get_running_loop().create_future()

    done = await talk(await serve_tcp(deaf), b"x" * 16_000_000, timeout=0.3)
    assert 0 < len(done.sent) < 16_000_000
    assert done.note.startswith(f"Only {len(done.sent):,} of 16,000,000 bytes were sent. Nothing came back")


async def test_a_stream_that_does_not_end_is_cut_at_the_timeout(serve_tcp: Serve) -> None:
    async def chatters(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    done = await talk(await serve_tcp(chatters), timeout=0.5)
    assert (done.ended, "when the 0.5 s were over" in done.note) == ("timeout", True)


async def test_nobody_listening_is_a_refusal_that_names_the_next_step(free_port: int) -> None:
    with pytest.raises(ExchangeRefused, match=f"127.0.0.1:{free_port} refuses TCP: nothing listens there. Start"):
        await talk(free_port, b"abc")


async def test_a_reset_without_an_answer_is_a_failure(serve_tcp: Serve) -> None:
    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        _reset(writer)

    with pytest.raises(ExchangeReset, match="reset the connection before anything came back"):
        await talk(await serve_tcp(resets), b"abc")


async def test_a_reset_after_an_answer_keeps_the_answer(serve_tcp: Serve) -> None:
    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"first")
        await reader.read(1)
        asyncio.get_running_loop().call_later(0.1, _reset, writer)
        await reader.read()

    done = await talk(await serve_tcp(resets), b"a", timeout=5)
    assert [piece.data for piece in done.received] == [b"first"]
    assert (done.ended, done.note.endswith("reset the connection after this.")) == ("reset", True)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_who_takes_no_farewell_holds_nothing_up(serve_tcp: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """As over TLS, where ending is a message of its own, and its peer may read no more."""

    class Stuck(stream.Plain):
        async def finish(self) -> None:
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(stream, "Plain", Stuck)
    async with asyncio.timeout(5):
        done = await talk(await serve_tcp(echo), b"abc", expect=1)
    assert (done.ended, done.bytes_received) == ("answered", 3)


async def test_a_full_backlog_is_told_as_a_connection_that_nobody_took() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            with pytest.raises(ExchangeTimedOut, match=r"did not take the connection within 0\.3 s"):
                await talk(port, b"abc", timeout=0.3)


async def test_the_next_address_of_a_name_is_tried(serve_tcp: Serve) -> None:
    done = await exchange(
        build({"transport": "tcp", "host": "localhost", "port": await serve_tcp(echo), "data": "abc"})
    )
    assert [piece.data for piece in done.received] == [b"abc"]


async def test_a_unix_socket_is_talked_to_like_tcp(stream_servers: Any, tmp_path: Path) -> None:
    path = tmp_path / "echo.sock"
    await stream_servers.unix(echo, path)
    done = await exchange(build({"transport": "unix", "host": str(path), "data": "abc"}))
    assert ([piece.data for piece in done.received], done.peer, done.local) == ([b"abc"], str(path), "unnamed")


async def test_a_missing_unix_socket_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ExchangeRefused, match="There is no socket at /"):
        await exchange(build({"transport": "unix", "host": str(tmp_path / "none"), "data": "abc"}))
