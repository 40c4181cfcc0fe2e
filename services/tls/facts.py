"""What a certificate says of itself, in words for people and for a row. It checks nothing."""

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_WORDS = 255  # characters of a subject or an issuer that are kept


class Facts(NamedTuple):
    """Of the first certificate of a chain; the chain ends with the first of them."""

    names: list[str]  # host names and addresses
    subject: str
    issuer: str
    begins_at: datetime
    ends_at: datetime
    fingerprint: str  # SHA-256 of the certificate, hex
    public: str  # SHA-256 of the public key, hex


def of(chain: Sequence[x509.Certificate]) -> Facts:
    first = chain[0]
    return Facts(
        names=names(first),
        subject=_words(first.subject),
        issuer=_words(first.issuer),
        begins_at=max(one.not_valid_before_utc for one in chain),
        ends_at=min(one.not_valid_after_utc for one in chain),
        fingerprint=first.fingerprint(SHA256()).hex(),
        public=public(first.public_key()),
    )


def public(key: object) -> str:
    """SHA-256 of a public key as certificates hold it, in hex."""
    digest = Hash(SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))  # type: ignore[attr-defined]
    return digest.finalize().hex()


def names(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses it is for; of an old one without any, its common name."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    hosts = found.get_values_for_type(x509.DNSName)
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [
        one
        for one in found.get_values_for_type(x509.IPAddress)
        if isinstance(one, ipaddress.IPv4Address | ipaddress.IPv6Address)
    ]
    return [*hosts, *map(str, addresses)]


def _words(name: x509.Name) -> str:
    """A distinguished name as people write it; it comes from strangers, so nothing in it may act."""
    text = name.rfc4514_string()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:MAX_WORDS]
