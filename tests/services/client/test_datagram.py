"""Exchanges over UDP and UNIX datagrams."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.client import build, exchange
from services.client.request import MAX_PIECES, Exchange
from services.errors import ExchangeFailed, ExchangeRefused, TargetNameUnknown

Serve = Callable[..., Awaitable[int]]


async def ask(port: int, data: bytes = b"", **words: object) -> Exchange:
    words = {"transport": "udp", "host": "127.0.0.1", "port": port, "data": data} | words
    return await exchange(build(words))


def replies(done: Exchange) -> list[bytes]:
    return [piece.data for piece in done.received]


async def test_an_answer_is_told_with_its_sender(serve_udp: Serve) -> None:
    port = await serve_udp(lambda data: [data.upper()])
    done = await ask(port, b"hello")
    assert (replies(done), done.received[0].peer, done.note) == ([b"HELLO"], f"127.0.0.1:{port}", "")
    assert done.local.startswith("127.0.0.1:")
    assert done.seconds * 1000 == pytest.approx(done.received[0].after_ms, abs=0.01)


async def test_an_empty_datagram_is_sent_and_answered(serve_udp: Serve) -> None:
    done = await ask(await serve_udp(lambda data: [data]), b"")
    assert replies(done) == [b""]


async def test_several_answers_are_all_told(serve_udp: Serve) -> None:
    assert replies(await ask(await serve_udp(lambda _: [b"one", b"two"]), b"x")) == [b"one", b"two"]


async def test_with_a_number_expected_it_ends_as_soon_as_they_are_there(serve_udp: Serve) -> None:
    port = await serve_udp(lambda _: [b"one", b"two", b"three"])
    async with asyncio.timeout(2):
        done = await ask(port, b"x", expect=2, timeout=60)
    assert (replies(done), done.ended) == ([b"one", b"two"], "answered")


async def test_expecting_nothing_only_sends(serve_udp: Serve) -> None:
    got = asyncio.get_running_loop().create_future()
    port = await serve_udp(lambda data: got.set_result(data) or [])
    done = await ask(port, b"x", expect=0)
    assert (await asyncio.wait_for(got, 5), done.received, done.note) == (b"x", [], "")


async def test_a_silent_server_is_told_as_one(serve_udp: Serve) -> None:
    done = await ask(await serve_udp(lambda _: []), b"x", timeout=0.2)
    assert (done.received, done.note) == ([], "Nothing came back within 0.2 s.")


async def test_the_longest_datagram_goes_and_a_longer_one_is_refused(serve_udp: Serve) -> None:
    port = await serve_udp(lambda data: [data])
    assert replies(await ask(port, b"x" * 65_507)) == [b"x" * 65_507]
    with pytest.raises(ExchangeFailed, match="carries up to 65,507 bytes") as caught:
        await ask(port, b"x" * 65_508)
    assert caught.value.field == "data"


async def test_a_flood_of_empty_answers_is_bounded(serve_udp: Serve) -> None:
    done = await ask(await serve_udp(lambda _: [b""] * (MAX_PIECES + 500)), b"x", timeout=1)
    assert 0 < len(done.received) <= MAX_PIECES


async def test_a_closed_port_is_a_refusal_and_no_silence(free_port: int) -> None:
    with pytest.raises(ExchangeRefused, match=f"127.0.0.1:{free_port} refuses UDP: nothing listens there"):
        await ask(free_port, b"x", timeout=10)


async def test_an_answer_from_elsewhere_is_told_as_such() -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(type=socket.SOCK_DGRAM) as asked, socket.socket(type=socket.SOCK_DGRAM) as other:
        asked.bind(("127.0.0.1", 0))
        asked.setblocking(False)
        other.bind(("127.0.0.2", 0))
        asking = asyncio.create_task(ask(asked.getsockname()[1], b"x"), name="asking")
        _, sender = await loop.sock_recvfrom(asked, 100)
        other.sendto(b"from elsewhere", sender)
        done = await asking
    assert done.received[0].peer.startswith("127.0.0.2:")


@pytest.mark.usefixtures("ipv6")
async def test_ipv6_is_told_in_brackets(serve_udp: Serve) -> None:
    port = await serve_udp(lambda data: [data], "::1")
    done = await ask(port, b"x", host="::1")
    assert (replies(done), done.peer) == ([b"x"], f"[::1]:{port}")


async def test_a_broadcast_collects_every_answer_until_the_timeout(serve_udp: Serve) -> None:
    port = await serve_udp(lambda data: [data + b"!"], "0.0.0.0")
    done = await ask(port, b"hi", host="127.255.255.255", broadcast=True, timeout=0.3)
    assert (replies(done), done.ended, done.note) == ([b"hi!"], "timeout", "")


async def test_a_broadcast_address_without_the_word_is_explained(serve_udp: Serve) -> None:
    with pytest.raises(ExchangeFailed, match="send to it with the broadcast client"):
        await ask(9999, b"hi", host="127.255.255.255")


async def test_a_name_without_an_address_is_told_as_one() -> None:
    with pytest.raises(TargetNameUnknown, match=r"No address is known for .nowhere\.invalid") as caught:
        await ask(9, b"", host="nowhere.invalid", timeout=20)
    assert caught.value.field == "host"


async def test_unix_datagrams_are_answered_because_the_client_has_a_name(tmp_path: Path) -> None:
    path = str(tmp_path / "dgram.sock")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.setblocking(False)
        asking = asyncio.create_task(
            exchange(build({"transport": "unix-dgram", "host": path, "data": "x"})), name="asking"
        )
        data, sender = await loop.sock_recvfrom(server, 100)
        server.sendto(data * 2, sender)
        done = await asking
    assert (replies(done), done.received[0].peer, done.local[0]) == ([b"xx"], path, "@")


async def test_the_other_kind_of_unix_socket_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "dgram.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        with pytest.raises(ExchangeFailed, match="of the other kind: use unix-dgram"):
            await exchange(build({"transport": "unix", "host": path, "data": "x"}))
