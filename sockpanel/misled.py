"""Who speaks plain HTTP at a port that has TLS is told so, where OpenSSL would hang up without a word. It is loaded with TLS alone.

factory = Factory(certificate, http_factory)      # what Twisted listens with
"""

from http import HTTPStatus
from typing import Any

from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory

from services.errors import RequestRefused
from sockpanel import plain

_RECORD = 0x16  # a handshake, with which every TLS connection begins (RFC 8446, 5.1)
_SAID = f"{RequestRefused.code} This port speaks TLS: begin the address with https:// .\n".encode()
ANSWER = plain.head(HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase, _SAID) + _SAID


class Transport(BufferingTLSTransport):
    """TLS from the first byte, or one sentence in plain text."""

    _is_fresh = True

    def dataReceived(self, data: bytes) -> None:
        if not self._is_fresh:
            return super().dataReceived(data)
        self._is_fresh = False
        if _is_http(data):
            self.transport.write(ANSWER)
            return self.transport.loseConnection()
        return super().dataReceived(data)


def _is_http(data: bytes) -> bool:
    """Whether it begins like a request: with capital letters, the method."""
    return data[0] != _RECORD and data[:3].isalpha() and data[:3].isupper()


class Factory(TLSMemoryBIOFactory):
    """The wrapped factory behind TLS."""

    protocol = Transport

    def __init__(self, certificate: Any, wrapped: Any) -> None:
        super().__init__(certificate, False, wrapped)
