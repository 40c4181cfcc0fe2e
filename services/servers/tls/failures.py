"""Why a handshake failed, in words for whoever runs the server: about the client, and what it did. It knows no socket.

why(error, "1.2")   # "it showed no client certificate, and this server requires one"
"""

import ssl

from services.servers.tls.context import reason

HANDSHAKE = 0x16  # the first byte of a TLS record that opens a connection (RFC 8446, 5.1)
_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"DELETE ", b"CONNECT ", b"PATCH ")
_REFUSED = "it does not accept this server's certificate"
# What OpenSSL calls it -> what it means here
_WHY = {
    "NO_SHARED_CIPHER": "it offers no cipher suite that this server takes",
    "NO_SUITABLE_KEY_SHARE": "it offers no key exchange that this server takes",
    "NO_SHARED_GROUPS": "it offers no key exchange that this server takes",
    "NO_SUITABLE_GROUPS": "it offers no key exchange that this server takes",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "it takes no signature that this server's certificate can give",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "it takes no signature that this server's certificate can give",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no client certificate, and this server requires one",
    "TLSV1_ALERT_UNKNOWN_CA": f"{_REFUSED}: it does not know the authority that signed it",
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": f"{_REFUSED}: it takes it for expired",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": f"{_REFUSED}: it does not understand its kind",
    "TLSV1_ALERT_ACCESS_DENIED": _REFUSED,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it found no way of TLS that both sides know",
    "TLSV1_ALERT_DECRYPT_ERROR": "its check of this server's signature failed",
    "CALLBACK_FAILED": "it asked for a server name that is none",
    "UNEXPECTED_EOF_WHILE_READING": "it left in the midst of the handshake",
}
_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "WRONG_SSL_VERSION", "TLSV1_ALERT_PROTOCOL_VERSION"})
LEFT = "it left in the midst of the handshake"
SILENT = "closed by the peer before TLS began"


def why(error: ssl.SSLError, minimum: str) -> str:
    """Why the handshake failed with `error`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its client certificate is refused: {error.verify_message}"
    name = getattr(error, "reason", "") or ""
    if name in _OLD:
        return f"it speaks no TLS {minimum} or newer"
    return _WHY.get(name) or reason(error)


def foreign(first: bytes) -> str:
    """Why bytes that begin no handshake were sent; "" for those that do."""
    if first[0] == HANDSHAKE:
        return ""
    if first.startswith(_METHODS):
        return "it sent an HTTP request in plain text: use https://"
    if first[0] & 0x80 and first[2:3] == b"\x01":  # how SSL 2 began
        return "it speaks SSL 2, which nobody may speak any more"
    return "it sent plain text, or speaks another protocol than TLS"


def too_slow(seconds: float, has_begun: bool) -> str:
    """That the client did not get on."""
    what = "did not finish the handshake" if has_begun else "did not begin a handshake"
    return f"it {what} within {seconds:g} s"
