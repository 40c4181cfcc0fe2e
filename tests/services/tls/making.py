"""Certificates of every sort, good and bad, for tests; and a handshake that says what both sides think of each other."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from services.servers.spec import Tls
from services.servers.tls.context import server_context
from services.servers.tls_material import TlsMaterial
from services.tls import pem

DAY = timedelta(days=1)


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def chain(self) -> str:
        return pem.chain_text([self.certificate])

    @property
    def key_text(self) -> str:
        return pem.key_text(self.key)

    def encrypted(self, passphrase: str) -> str:
        encryption = BestAvailableEncryption(passphrase.encode())
        return str(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode())


def pair(
    subject: str = "lab",
    names: Sequence[str] = ("localhost", "127.0.0.1"),
    issuer: Pair | None = None,
    *,
    days: tuple[float, float] = (-1, 30),
    key: Any = None,
    more: Sequence[x509.ExtensionType] = (),
) -> Pair:
    """Signed by `issuer`, or by itself; valid from and until so many days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    by = issuer.certificate.subject if issuer else named
    builder = x509.CertificateBuilder(by, named, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return Pair(builder.sign(issuer.key if issuer else key, SHA256()), key)


def root(subject: str = "Root", issuer: Pair | None = None, **words: Any) -> Pair:
    """May vouch for others."""
    return pair(subject, (), issuer, more=[x509.BasicConstraints(ca=True, path_length=None)], **words)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    """The client's end after a handshake with a server of this context. Raises what the client says."""
    ours, its = socket.socketpair()
    ours.settimeout(5)
    its.settimeout(5)

    def serve() -> None:
        try:
            with server.wrap_socket(its, server_side=True) as accepted:
                accepted.recv(1)
        except OSError:
            its.close()

    threading.Thread(target=serve, daemon=True).start()  # ends with the client's end
    try:
        return client.wrap_socket(ours, server_hostname=name)
    finally:
        ours.close()


def serving(chain: str, key: str) -> ssl.SSLContext:
    """As a worker has it."""
    return server_context(TlsMaterial(chain, key), Tls())


def trusting(authority: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority)
