"""What the panel refuses to talk to for people, and what it does not refuse."""

import ipaddress
import socket
from types import SimpleNamespace

import pytest

from services.client import build, targets
from services.client.addresses import resolve
from services.client.targets import exchange, exchange_for, own_addresses, refuse_forbidden
from services.errors import ExchangeRefused, TargetForbidden
from services.models import AuditEntry, Server

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": "", "NAME": "x"}


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A panel on its usual port with PostgreSQL and Redis beside it."""
    settings = SimpleNamespace(
        SOCKPANEL_PORT=8000,
        DATABASES={"default": POSTGRESQL, "messages": POSTGRESQL | {"HOST": "192.0.2.7", "PORT": "6543"}},
        REDIS_URL="redis://:secret@localhost/0",
        SOCKPANEL_TARGETS=[],
    )
    monkeypatch.setattr(targets, "settings", settings)
    return settings


async def check(host: str, port: int = 80, transport: str = "tcp") -> None:
    request = build({"transport": transport, "host": host, "port": port})
    await refuse_forbidden(request, await resolve(request))


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1", 8000),
        ("127.9.9.9", 8000),
        ("localhost", 8000),
        ("0.0.0.0", 8000),
        ("::1", 8000),
        ("::", 8000),
        ("::ffff:127.0.0.1", 8000),
        ("2130706433", 8000),
        ("0x7f.1", 8000),
        ("127.0.0.1", 5432),
        ("192.0.2.7", 6543),
        ("127.0.0.1", 6379),
        ("169.254.169.254", 80),
        ("::ffff:169.254.169.254", 80),
        ("fd00:ec2::254", 80),
        ("fd20:ce::254", 80),
        ("192.0.0.192", 80),
        ("168.63.129.16", 32526),
        ("100.64.0.0", 80),
        ("100.100.100.200", 80),
        ("100.127.255.255", 80),
        ("1684300900", 80),  # 100.100.100.100 as one number
        ("0x64.0x64.25700", 80),
        ("::ffff:100.100.100.200", 80),
        ("::100.100.100.200", 80),
        ("64:ff9b::6464:64c8", 80),
        ("64:ff9b::a9fe:a9fe", 80),
        ("64:ff9b::7f00:1", 8000),
        ("64:ff9b:1::7f00:1", 8000),
        ("2002:a9fe:a9fe::", 80),
        ("2002:7f00:1::", 5432),
        ("::127.0.0.1", 6379),
        ("2001:db8::5efe:7f00:1", 8000),
        ("0", 8000),
        ("224.0.0.1", 80),
        ("ff02::1", 80),
    ],
)
async def test_these_targets_are_refused(host: str, port: int) -> None:
    with pytest.raises(TargetForbidden):
        await check(host, port)


async def test_a_network_of_ones_own_is_opened_by_a_setting_and_nothing_else_with_it(house: SimpleNamespace) -> None:
    house.SOCKPANEL_TARGETS = [ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("127.0.0.0/8")]
    await check("100.100.100.200")
    await check("::ffff:100.100.100.200")
    for host, port in (("169.254.169.254", 80), ("127.0.0.1", 8000), ("64:ff9b::7f00:1", 8000)):
        with pytest.raises(TargetForbidden):
            await check(host, port)


async def test_every_address_of_this_machine_leads_to_the_panel() -> None:
    for address in own_addresses():
        if not address.is_link_local:
            with pytest.raises(TargetForbidden, match="is the panel itself"):
                await check(str(address), 8000)


def test_the_machines_own_addresses_include_loopback() -> None:
    assert ipaddress.ip_address("127.0.0.1") in own_addresses()


@pytest.mark.parametrize(
    ("host", "port", "transport"),
    [
        ("127.0.0.1", 8007, "tcp"),
        ("192.0.2.1", 8000, "tcp"),
        ("192.0.2.1", 5432, "tcp"),
        ("192.0.2.8", 6543, "tcp"),
        ("127.0.0.1", 8000, "udp"),
        ("255.255.255.255", 9999, "udp"),
        ("100.63.255.255", 80, "tcp"),
        ("100.128.0.0", 80, "tcp"),
        ("64:ff9b::7f00:1", 8007, "tcp"),
        ("2002:c000:201::", 8000, "tcp"),
    ],
)
async def test_these_targets_are_allowed(host: str, port: int, transport: str) -> None:
    await check(host, port, transport)


async def test_unix_sockets_are_left_to_the_command_line() -> None:
    with pytest.raises(TargetForbidden, match=r"manage\.py client unix"):
        await exchange(build({"transport": "unix", "host": "/run/docker.sock"}))


async def test_nothing_is_sent_to_a_forbidden_target(house: SimpleNamespace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        house.SOCKPANEL_PORT = listener.getsockname()[1]
        listener.setblocking(False)
        with pytest.raises(TargetForbidden):
            await exchange(build({"transport": "tcp", "host": "localhost", "port": house.SOCKPANEL_PORT, "data": "x"}))
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_an_allowed_target_is_talked_to(free_port: int) -> None:
    with pytest.raises(ExchangeRefused):
        await exchange(build({"transport": "tcp", "host": "127.0.0.1", "port": free_port, "data": "x"}))


async def test_a_server_that_runs_anything_for_anybody_is_not_reached_through_the_panel() -> None:
    words = {"kind": "command", "transport": "tcp", "host": "127.0.0.1"}
    await Server.objects.acreate(name="ready", port=9996, options={"dialect": "ready"}, **words)
    await Server.objects.acreate(name="keyed", port=9997, options={"dialect": "frames"}, **words)
    for host in ("127.0.0.1", "::1", "localhost"):
        with pytest.raises(TargetForbidden, match="asks for no key"):
            await check(host, 9996)
    await check("127.0.0.1", 9997)


async def test_an_exchange_for_somebody_stands_in_the_audit_with_what_was_sent(free_port: int) -> None:
    request = build({"transport": "tcp", "host": "127.0.0.1", "port": free_port, "data": "x"})
    with pytest.raises(ExchangeRefused):
        await exchange_for("otto", request)
    asked, failed = [entry async for entry in AuditEntry.objects.order_by("number")]
    assert (asked.verb, asked.who, asked.what, bytes(asked.data)) == (
        "client",
        "otto",
        f"tcp 127.0.0.1:{free_port}",
        b"x",
    )
    assert (failed.verb, failed.code) == ("client.failed", "SP-7002")
