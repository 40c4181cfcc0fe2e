"""The panel's own TLS: version 1.2 or newer, strong ciphers, and a certificate that is taken up anew when its files change.

Whoever is connected stays; whoever connects next gets the new one. Files that make no sense together (one of them is written, the
other not yet) change nothing: the former certificate goes on, and the files are tried again when they change. It knows no Django.
"""

import logging
import os
import time
from pathlib import Path
from typing import Any

from OpenSSL import SSL

from services.errors import CertificateRefused, SettingRefused
from services.tls import pem

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds between two looks at the files
# With forward secrecy and authenticated encryption; those of TLS 1.3 all are
CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
UNUSABLE = (SSL.Error, OSError, CertificateRefused)
SESSION = b"sockpanel"  # names whose sessions may be resumed here

Signature = tuple[tuple[int, int, int], ...]


class Certificate:
    """What Twisted asks for a context at each connection. Raises SettingRefused when the files make no sense at the start."""

    def __init__(self, certificate: str, key: str) -> None:
        self._paths = certificate, key
        self._seen = _signature(self._paths)
        self._looked = time.monotonic()
        try:
            self._context = context(certificate, key)
        except UNUSABLE as error:
            raise SettingRefused(
                f"SOCKPANEL_TLS_CERT ({certificate}) and SOCKPANEL_TLS_KEY ({key}) are no certificate with its key "
                f"({reason(error)}): name a PEM chain, the panel's own first, and its private key."
            ) from None

    def getContext(self) -> SSL.Context:
        """The one that counts now."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._look()
        return self._context

    def _look(self) -> None:
        signature = _signature(self._paths)
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self._context = context(*self._paths)
        except UNUSABLE as error:
            logger.error(
                "The panel's certificate has changed and cannot be used (%s): the former one goes on. Look at %s and %s.",
                reason(error),
                *self._paths,
            )
        else:
            logger.warning("The panel's certificate has changed: it is used from now on.")


def context(certificate: str, key: str) -> SSL.Context:
    """Raises one of UNUSABLE."""
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)
    made.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    made.set_cipher_list(CIPHERS)
    made.set_session_id(SESSION)
    made.use_certificate_chain_file(certificate)
    text = Path(key).read_text(encoding="ascii", errors="replace")
    made.use_privatekey(pem.private_key(text))  # an encrypted one is refused, and asks nobody at a terminal
    made.check_privatekey()
    return made


def reason(error: Exception) -> str:
    """OpenSSL's words, without its numbers."""
    if isinstance(error, CertificateRefused):
        return error.message.rstrip(".")
    if isinstance(error, OSError):
        return error.strerror or str(error)
    stack: Any = error.args[0] if error.args else ()
    words = [str(one[-1]) for one in stack if isinstance(one, tuple) and one[-1]] if isinstance(stack, list) else []
    return ", ".join(dict.fromkeys(words)) or "OpenSSL does not take them"


def _signature(paths: tuple[str, str]) -> Signature:
    """What changes when a file does; a file that is away is one, too."""
    return tuple(map(_of, paths))


def _of(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
