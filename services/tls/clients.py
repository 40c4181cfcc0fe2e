"""Certificates for clients, issued by the panel's own authority: told once, kept nowhere.

A server that asks clients for certificates of `sockpanel-ca` lets them in until they end. A new authority ends one that got lost.

    issued = issue("lab-laptop", who="ada")
"""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from services import audit
from services.errors import CertificateRefused
from services.servers.spec import NAME
from services.tls import authority, facts, own, pem


class Issued(NamedTuple):
    """Told once."""

    name: str
    certificate: str  # PEM
    key: str  # PEM, not encrypted
    fingerprint: str
    ends_at: datetime


def issue(name: object, who: str) -> Issued:
    """Raises CertificateRefused, or CertificateUnusable."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise CertificateRefused(
            "A client's name is 1 to 64 small letters, digits, - or _, and begins and ends with a letter or digit.",
            field="name",
        )
    certificate, key = authority.issue(own.signer(who), name, [], for_client=True)
    found = facts.of([certificate])
    with transaction.atomic():
        told = {"fingerprint": found.fingerprint, "ends_at": found.ends_at.isoformat()}
        audit.record("tls.change", who, what=f"a certificate for the client {name} is issued", new=told)
    return Issued(name, pem.chain_text([certificate]), pem.key_text(key), found.fingerprint, found.ends_at)
