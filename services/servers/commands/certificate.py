"""A certificate for the server's side of TLS, made anew at each start. Nobody vouches for it: signing in binds it to both sides' keys.

It is written to no disk.
"""

import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.servers.tls.context import load

LIVES = datetime.timedelta(days=3650)  # no client looks at it; a worker may run for long
NAME = "sockpanel remote commands"


def make() -> tuple[ssl.SSLContext, bytes]:
    """TLS 1.3 with a new certificate, and that certificate (DER). Raises OSError."""
    private = ec.generate_private_key(ec.SECP256R1())
    made = _signed(private)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # every connection shows the certificate
    load(context, key + made.public_bytes(Encoding.PEM))
    return context, made.public_bytes(Encoding.DER)


def _signed(private: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    begins = now - datetime.timedelta(days=1)  # clocks differ
    builder = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
    return builder.not_valid_before(begins).not_valid_after(now + LIVES).sign(private, SHA256())
