"""Which addresses the panel refuses to talk to for people: itself, its databases and Redis, its servers of the dialect `Ready`; and by
default link-local, multicast and shared addresses, where clouds answer every machine with its secrets.

Whoever may use the Client page sits behind the panel's network position. The check sees resolved addresses, the same that are
then used, so a name that changes its mind between check and use gains nothing; and what is inside of an IPv6 address that leads to an
IPv4 one. Sockpanel's own servers are allowed, and of the default what SOCKPANEL_TARGETS names.
"""

import asyncio
import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil
from asgiref.sync import sync_to_async
from django.conf import settings

from services import audit
from services.client.addresses import Address
from services.client.believed import with_own
from services.client.exchange import exchange as _exchange
from services.client.request import Exchange, Request
from services.client.wrappings import Address as Ip
from services.client.wrappings import every_face, plain
from services.errors import SockpanelError, TargetForbidden
from services.models import Server
from services.servers.spec import STREAMS, UNIX

# Where clouds keep the data of an instance beside link-local addresses; the first is shared by networks that know nothing of others
_CLOUDS = tuple(
    map(
        ipaddress.ip_network,
        ("100.64.0.0/10", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
_POSTGRESQL_PORT, _REDIS_PORT = 5432, 6379


class Service(msgspec.Struct, frozen=True):
    """A port that is none of people's business."""

    name: str
    host: str  # empty: this machine
    port: int


async def exchange(request: Request) -> Exchange:
    """An exchange on behalf of somebody who uses the panel. Raises TargetForbidden besides what `exchange` raises."""
    return await _exchange(await sync_to_async(with_own)(request), guard=refuse_forbidden)


async def exchange_for(who: str, request: Request) -> Exchange:
    """The same, written into the audit before anything is sent, and once more where it came to nothing."""
    host = f"[{request.host}]" if ":" in request.host else request.host
    target = f"{request.transport} {host}:{request.port}"
    await sync_to_async(audit.record)("client", who, what=target, data=request.data)
    try:
        return await exchange(request)
    except SockpanelError as error:
        what = f"{target}: {error.message}"
        await sync_to_async(audit.record)("client.failed", who, what=what, code=error.code)
        raise


async def refuse_forbidden(request: Request, addresses: list[Address]) -> None:
    """Raises TargetForbidden when one of the addresses is off limits."""
    if request.transport in UNIX:
        raise TargetForbidden("UNIX sockets are for the command line: manage.py client unix PATH.", field="transport")
    for address in addresses:
        for ip in every_face(_parsed(str(address.sockaddr[0]))):
            _refuse_networks(ip)
            if request.transport in STREAMS:
                await _refuse_services(ip, int(address.sockaddr[1]))


def _refuse_networks(ip: Ip) -> None:
    is_refused = ip.is_link_local or ip.is_multicast or any(ip in network for network in _CLOUDS)
    if is_refused and not any(ip in network for network in settings.SOCKPANEL_TARGETS):
        raise TargetForbidden(
            f"{ip} is a link-local, multicast or shared address: the panel sends nothing there. Where it is a network of yours, "
            "name it in SOCKPANEL_TARGETS.",
            field="host",
        )


async def _refuse_services(ip: Ip, port: int) -> None:
    for service in [*off_limits(), *await sync_to_async(_free_lines)()]:
        if service.port == port and await _lives_at(service, ip):
            raise TargetForbidden(
                f"Port {port} at {ip} is {service.name}: the panel does not talk to it for people. Choose another target.",
                field="port",
            )


def off_limits() -> list[Service]:
    """The panel, its databases and Redis, as the settings say."""
    found = [Service("the panel itself", "", settings.SOCKPANEL_PORT)]
    for database in settings.DATABASES.values():
        if "postgresql" in str(database["ENGINE"]):
            host = str(database.get("HOST") or "")
            port = int(str(database.get("PORT") or _POSTGRESQL_PORT))
            found.append(Service("a database of Sockpanel", "" if host.startswith("/") else host, port))
    parts = urlsplit(settings.REDIS_URL)
    if parts.scheme in ("redis", "rediss"):
        found.append(Service("the Redis of Sockpanel", parts.hostname or "", parts.port or _REDIS_PORT))
    return found


def _free_lines() -> list[Service]:
    """Servers of this panel that run any program for whoever reaches them: through the panel that would be anybody with a role."""
    ready = Server.objects.filter(kind="command", options__dialect="ready")
    return [Service("a command server that asks for no key", "", port) for port in ready.values_list("port", flat=True)]


async def _lives_at(service: Service, ip: Ip) -> bool:
    """Whether the service answers at `ip`; for one on this machine every address of the machine counts."""
    homes = await _addresses_of(service.host)
    own = await asyncio.to_thread(own_addresses)
    if not service.host or any(_is_local(home, own) for home in homes):
        return _is_local(ip, own)
    return ip in homes


async def _addresses_of(host: str) -> set[Ip]:
    if not host:
        return set()
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()  # a service whose name leads nowhere is not at this address either
    return {plain(_parsed(str(sockaddr[0]))) for *_, sockaddr in found}


def _is_local(ip: Ip, own: set[Ip]) -> bool:
    return ip.is_loopback or ip.is_unspecified or ip in own


def own_addresses() -> set[Ip]:
    """Every address of this machine's interfaces."""
    entries: list[Any] = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
    return {plain(_parsed(entry.address)) for entry in entries if entry.family in (socket.AF_INET, socket.AF_INET6)}


def _parsed(text: str) -> Ip:
    """Without a zone."""
    return ipaddress.ip_address(text.partition("%")[0])
