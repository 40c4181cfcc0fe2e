"""Which addresses the panel refuses to talk to for people: itself, its databases and Redis, its servers of the dialect `Ready`,
link-local and multicast addresses.

Whoever may use the Client page sits behind the panel's network position. The check sees resolved addresses, the same that are
then used, so a name that changes its mind between check and use gains nothing. Sockpanel's own servers are allowed.
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
from services.errors import SockpanelError, TargetForbidden
from services.models import Server
from services.servers.spec import STREAMS, UNIX

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = ipaddress.ip_address("fd00:ec2::254")  # the instance data of a cloud, reachable like a link-local address
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
        ip, port = _plain(str(address.sockaddr[0])), int(address.sockaddr[1])
        if ip.is_link_local or ip.is_multicast or ip == _METADATA:
            raise TargetForbidden(
                f"{ip} is a link-local or multicast address: the panel sends nothing there.", field="host"
            )
        if request.transport in STREAMS:
            await _refuse_services(ip, port)


async def _refuse_services(ip: IpAddress, port: int) -> None:
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


async def _lives_at(service: Service, ip: IpAddress) -> bool:
    """Whether the service answers at `ip`; for one on this machine every address of the machine counts."""
    homes = await _addresses_of(service.host)
    own = await asyncio.to_thread(own_addresses)
    if not service.host or any(_is_local(home, own) for home in homes):
        return _is_local(ip, own)
    return ip in homes


async def _addresses_of(host: str) -> set[IpAddress]:
    if not host:
        return set()
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()  # a service whose name leads nowhere is not at this address either
    return {_plain(str(sockaddr[0])) for *_, sockaddr in found}


def _is_local(ip: IpAddress, own: set[IpAddress]) -> bool:
    return ip.is_loopback or ip.is_unspecified or ip in own


def own_addresses() -> set[IpAddress]:
    """Every address of this machine's interfaces."""
    entries: list[Any] = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
    return {_plain(entry.address) for entry in entries if entry.family in (socket.AF_INET, socket.AF_INET6)}


def _plain(text: str) -> IpAddress:
    """Without a zone, and IPv4 where it is IPv4 in IPv6's clothes."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return mapped or ip
