"""A scan of a TLS port, as sslscan does one: every version, and for TLS 1.2 every cipher that OpenSSL still knows, however weak.

assert accepted(("127.0.0.1", 9100)) == GOOD
"""

import socket
import ssl
import warnings

Address = tuple[str, int]

# What may be spoken with a server whose key is on an elliptic curve, and with one whose key is RSA
GOOD = {
    kind: {
        "TLSv1.3": {"TLS_AES_256_GCM_SHA384"},
        "TLSv1.2": {
            f"ECDHE-{kind}-{cipher}" for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
        },
    }
    for kind in ("ECDSA", "RSA")
}
OLD = ("TLSv1", "TLSv1_1")


def accepted(address: Address) -> dict[str, set[str]]:
    """Version -> the ciphers with which a handshake came to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old versions are what is looked for
        found = [_tried(address, _client(version, "ALL:COMPLEMENTOFALL")) for version in OLD]
        found += [_tried(address, _client("TLSv1_2", name)) for name in _ciphers()]
        found.append(_tried(address, _client("TLSv1_3", "ALL")))  # all that 1.3 has are good
    spoken: dict[str, set[str]] = {}
    for version, cipher in filter(None, found):
        spoken.setdefault(version, set()).add(cipher)
    return spoken


def _ciphers() -> list[str]:
    """Of TLS 1.2 and older."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]


def _client(version: str, ciphers: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    return context


def _tried(address: Address, context: ssl.SSLContext) -> tuple[str, str] | None:
    """Version and cipher, None when there was no handshake."""
    try:
        with socket.create_connection(address, 10) as plain, context.wrap_socket(plain) as client:
            found = client.cipher()
            return (client.version() or "", found[0]) if found else None
    except (ssl.SSLError, ConnectionError):
        return None
