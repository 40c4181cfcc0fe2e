"""Servers that speak TLS, for tests: their certificates, and clients that know whom to believe."""

import asyncio
import contextlib
import socket
import ssl
from typing import Any

from services.servers.tls.context import load as from_memory
from services.servers.tls_material import TlsMaterial
from tests.services.servers.clients import WITHIN, Client
from tests.services.tls.making import Pair, pair, root, trusting

ROOT = root("Root of the lab")
SERVER = pair("lab", issuer=ROOT)
DEVICES = root("Root of devices")
PUMP = pair("pump 7", ("pump-7.lab",), DEVICES)


def material(certificate: Pair = SERVER, client_ca: str = "") -> TlsMaterial:
    return TlsMaterial(certificate.chain, certificate.key_text, client_ca)


def tls(**words: Any) -> dict[str, Any]:
    """The part of a spec."""
    return {"mode": "on", "certificate": "lab", **words}


def believing(authority: Pair = ROOT, showing: Pair | None = None) -> ssl.SSLContext:
    """A client's context."""
    context = trusting(authority.chain)
    if showing is not None:
        show(context, showing)
    return context


def show(context: ssl.SSLContext, certificate: Pair) -> None:
    # The same way in which the server loads its own: from memory
    from_memory(context, f"{certificate.key_text}\n{certificate.chain}".encode())


async def secured(address: Any, context: ssl.SSLContext | None = None, name: str = "localhost") -> Client:
    """A client whose handshake is done, on its own side at least. Raises OSError, of which ssl.SSLError is one."""
    opened = asyncio.open_connection(*address, ssl=context or believing(), server_hostname=name)
    return Client(*await asyncio.wait_for(opened, WITHIN))


async def refused(address: Any, context: ssl.SSLContext | None = None) -> None:
    """A client that does not get in; with TLS 1.3 it may hear of that only when it reads."""
    await asyncio.to_thread(_refused, address, context or believing())


def _refused(address: Any, context: ssl.SSLContext) -> None:
    """By OpenSSL's own socket: asyncio's leaves without the alert that says why."""
    with socket.create_connection(address, WITHIN) as sock, contextlib.suppress(OSError):
        with context.wrap_socket(sock, server_hostname="localhost") as client:
            assert client.recv(1) == b""
