"""The client of remote commands over real sockets: whom it finds, and whom it trusts."""

import ipaddress
import socket
from pathlib import Path

import psutil
import pytest

from services.client.commands import Session, Target, connect
from services.errors import (
    ExchangeFailed,
    ExchangeRefused,
    ExchangeReset,
    ExchangeTimedOut,
    FrameMalformed,
    ServerKeyDiffers,
    SessionRefused,
    TargetForbidden,
    TargetNameUnknown,
)
from services.servers.commands.client_side import STRANGER as NO_SERVER
from tests.services.client.remote import remote
from tests.services.servers.commands.sides import LAB, SERVER_KEY, STRANGER, Judge
from tests.waiting import eventually_async


async def events(opened: Session, **words) -> list:
    async with opened.run(**words) as running:
        return [event async for event in running]


async def connecting(target: Target, private=LAB, **words) -> Session:
    async with connect(target, private, **words) as opened:
        return opened


async def test_a_server_with_another_key_is_not_talked_to():
    async with remote() as (it, port):
        with pytest.raises(ServerKeyDiffers, match=f"{SERVER_KEY.hex()} instead of {b'x'.hex() * 32}"):
            await connecting(Target("127.0.0.1", port, b"x" * 32))
        await eventually_async(lambda: not it.seats)
    assert it.refused == []  # not even a signature was shown to it


async def test_on_this_machine_any_server_may_answer():
    async with remote() as (_, port):
        assert (await connecting(Target("127.0.0.1", port))).server_key == SERVER_KEY


async def test_far_away_the_key_that_answers_is_told_and_not_trusted(tmp_path: Path):
    async with remote(tls=tmp_path) as (_, port):
        with pytest.raises(
            ServerKeyDiffers, match=rf"shows the key {SERVER_KEY.hex()}, and none was expected: compare it"
        ):
            await connecting(Target("127.0.0.1", port, tls=True))


def own_address() -> str:
    """One of this machine's that is not loopback."""
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family == socket.AF_INET and not ipaddress.ip_address(entry.address).is_loopback:
                return entry.address
    pytest.skip("This machine has no address but loopback.")


async def test_another_address_than_loopback_is_reached_through_tls(tmp_path: Path):
    host = own_address()
    async with remote(host=host, tls=tmp_path) as (_, port), connect(Target(host, port, SERVER_KEY), LAB) as opened:
        assert (await events(opened, argv=["uname"]))[-1].code == 0


async def test_a_forwarded_port_is_reached_through_tls_when_it_is_asked_for(tmp_path: Path):
    async with (
        remote(tls=tmp_path) as (_, port),
        connect(Target("127.0.0.1", port, SERVER_KEY, tls=True), LAB) as opened,
    ):
        assert (await events(opened, argv=["uname"]))[-1].code == 0


async def test_ipv6_loopback_needs_no_tls():
    async with remote(host="::1") as (_, port), connect(Target("::1", port, SERVER_KEY), LAB) as opened:
        assert (await events(opened, argv=["uname"]))[-1].code == 0


async def test_somebody_between_with_a_certificate_of_his_own_is_noticed(tmp_path: Path):
    """A relay passes every byte on, but the certificate that the client saw is not the server's."""
    async with remote(tls=tmp_path) as (it, port):
        it.certificate = b"that of the server behind the relay"
        with pytest.raises(SessionRefused):
            await connecting(Target("127.0.0.1", port, SERVER_KEY, tls=True))
    assert it.refused == ["bad signature of key lab"]


async def test_a_key_that_is_not_let_in_is_told_no_more():
    async with remote(judge=Judge(lab="the key lab is revoked")) as (it, port):
        for private in (LAB, STRANGER):
            with pytest.raises(SessionRefused, match="does not say why"):
                await connecting(Target("127.0.0.1", port, SERVER_KEY), private)
    assert [reason.split(" ")[0] for reason in it.refused] == ["the", "unknown"]


async def test_an_address_that_is_off_limits_is_not_even_connected_to():
    async def guard(request, addresses):
        raise TargetForbidden(f"{addresses[0].text} is off limits.")

    async with remote() as (it, port):
        with pytest.raises(TargetForbidden, match=f"127.0.0.1:{port} is off limits"):
            await connecting(Target("127.0.0.1", port), guard=guard)
    assert it.seats == set()


# What goes wrong


async def test_nobody_listens(free_port: int):
    with pytest.raises(ExchangeRefused, match="nothing listens there"):
        await connecting(Target("127.0.0.1", free_port))


async def test_an_unknown_name():
    with pytest.raises(TargetNameUnknown):
        await connecting(Target("nowhere.invalid", 1))


async def test_a_server_that_says_nothing_is_given_up(serve_tcp):
    async def silent(reader, writer):
        await reader.read()

    with pytest.raises(ExchangeTimedOut, match="did not let us sign in within"):
        await connecting(Target("127.0.0.1", await serve_tcp(silent)), within=0.2)


async def test_a_server_that_says_nothing_in_tls_is_given_up(serve_tcp):
    async def silent(reader, writer):
        await reader.read()

    with pytest.raises(ExchangeTimedOut, match="did not let us sign in within"):
        await connecting(Target("127.0.0.1", await serve_tcp(silent), tls=True), within=0.2)


async def test_a_server_that_hangs_up_at_once(serve_tcp):
    async def gone(reader, writer):
        return

    with pytest.raises(ExchangeReset, match="without a word"):
        await connecting(Target("127.0.0.1", await serve_tcp(gone)))


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\0\0\0\5hello", b"\xff\xff\xff\xff", bytes(200)])
async def test_another_kind_of_server(greeting: bytes):
    async with remote(greeting=greeting) as (_, port):
        with pytest.raises(FrameMalformed) as caught:
            await connecting(Target("127.0.0.1", port))
    assert caught.value.message == NO_SERVER


async def test_tls_where_the_server_speaks_none():
    async with remote() as (_, port):
        with pytest.raises(ExchangeFailed, match="does not speak TLS"):
            await connecting(Target("127.0.0.1", port, SERVER_KEY, tls=True))
