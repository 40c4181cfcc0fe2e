"""The server's side of TLS as OpenSSL must be set up for it: what is spoken, what is shown, whom it believes. It knows no socket.

context = server_context(material, spec.tls)
"""

import os
import ssl
import sys
from typing import Any

from services.errors import CertificateRefused
from services.servers.spec import Tls
from services.servers.tls_material import TlsMaterial

CIPHERS = "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of 1.3 are all good
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
CLIENTS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


class Side(ssl.SSLObject):
    """Our side of one handshake, with the server name that the client asked for."""

    asked_for = ""


def server_context(material: TlsMaterial, tls: Tls) -> ssl.SSLContext:
    """Raises CertificateRefused for what OpenSSL does not take."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = Side
    context.minimum_version = VERSIONS[tls.minimum]
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # With TLS 1.3 every connection makes a whole handshake. With 1.2 a client may still take up a session by its number, for two
    # hours and as long as this context is used: OpenSSL keeps up to 20,480 of them, and Python has no switch for that
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.sni_callback = _note_name
    try:
        load(context, f"{material.key}\n{material.certificate}".encode())
        if tls.client != "none":
            _believe(context, material.client_ca)
    except (ssl.SSLError, ValueError) as error:
        raise CertificateRefused(
            f"The certificate {tls.certificate} cannot be used ({reason(error)}): upload or renew it, with its own key."
        ) from error
    context.verify_mode = CLIENTS[tls.client]
    return context


def load(context: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL takes a file's name only: this file is in memory. Raises OSError, of which ssl.SSLError is one."""
    descriptor = os.memfd_create("certificate")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")  # else OpenSSL would ask a terminal for one
    finally:
        os.close(descriptor)


def reason(error: Exception) -> str:
    """What OpenSSL says, as words."""
    words = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(words).replace("_", " ").lower()


def hush() -> None:
    """Python writes a traceback for each server name that is no ASCII: a stranger's means to fill the log. Called once a process."""
    before = sys.unraisablehook

    def speak(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, UnicodeDecodeError) or not isinstance(unraisable.object, bytes):
            before(unraisable)

    sys.unraisablehook = speak


def _believe(context: ssl.SSLContext, authorities: str) -> None:
    """Any of them may be the last of a chain, not only one that signed itself: a single device's certificate, for one."""
    if not authorities:
        raise ValueError("no authority for clients was given")
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=authorities)


def _note_name(side: Any, name: str | None, _: ssl.SSLContext) -> None:
    side.asked_for = name or ""
