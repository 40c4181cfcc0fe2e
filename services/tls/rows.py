"""Certificates written down: the row, its entry in the audit and its key's file together, or none of them.

One change at a time, on all machines that share the database: so that a key's file is there exactly as long as a row names it.

    row = create("lab", Certificate.Purpose.SERVER, chain, key, who="ada")
"""

import logging
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptography import x509
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from services import advisory, audit, hints
from services.errors import CertificateInUse, CertificateRefused, CertificateUnknown
from services.models import Certificate
from services.tls import facts, keyfiles, pem, uses
from services.tls.shelf import find

MAX_CERTIFICATES = 500
LOCK = 0x536F6B43  # of whoever changes certificates
WAIT = 5.0  # seconds for others who do on PostgreSQL
UNNAMED_FOR = 3600.0  # seconds that a key's file may lie there without a row

Chain = list[x509.Certificate]
logger = logging.getLogger(__name__)


def create(
    name: str, purpose: str, chain: Chain, key: pem.PrivateKey | None, who: str, is_own: bool = False
) -> Certificate:
    """A new one. Raises CertificateRefused, or CertificateUnusable where the key cannot be kept."""
    fields = _fields(chain, key)
    try:
        with _keeping(fields["public"], key):
            if Certificate.objects.count() >= MAX_CERTIFICATES:
                raise CertificateRefused(f"There are {MAX_CERTIFICATES} certificates: remove one that is not needed.")
            row = Certificate.objects.create(name=name, purpose=purpose, is_own=is_own, created_by=who, **fields)
            audit.record("tls.change", who, what=f"{name} is new", new=_told(row))
    except IntegrityError:
        raise taken() from None
    _tell()
    return row


def replace(former: Certificate, chain: Chain, key: pem.PrivateKey | None, who: str, is_own: bool) -> Certificate:
    """Other material for the same name. Raises CertificateUnknown, or CertificateUnusable where the key cannot be kept."""
    fields = _fields(chain, key)
    with _keeping(fields["public"], key):
        before = Certificate.objects.filter(pk=former.pk).first()
        if before is None:
            raise CertificateUnknown(f"{former.name} was removed meanwhile: make it anew.")
        Certificate.objects.filter(pk=former.pk).update(
            **fields, is_own=is_own, revision=F("revision") + 1, renewed_by=who, renewed_at=timezone.now()
        )
        row = find(before.name)
        audit.record("tls.change", who, what=f"{row.name} is renewed", old=_told(before), new=_told(row))
    _forget(before.public)
    _tell()
    return row


def remove(name: str, who: str) -> None:
    """Raises CertificateUnknown or CertificateInUse."""
    with _turn():
        row = find(name)
        if used := uses.users().get(name):
            raise CertificateInUse(f"{name} is used by {', '.join(used[:5])}: give them another certificate first.")
        row.delete()
        audit.record("tls.change", who, what=f"{name} is removed", old=_told(row))
    _forget(row.public)
    _tell()


def sweep(*, is_restored: bool = False) -> None:
    """Put the keys aside that no row names: of whoever was killed while writing, or of rows that a restore took back.

    The database may be another one than that the keys belong to: so none is removed, and what was put aside comes back with its
    row. One without any certificate is another one, as like as not, and who goes back to what a restore has replaced needs its
    keys: then all stay.
    """
    try:
        with _turn():
            named = set(Certificate.objects.exclude(public="").values_list("public", flat=True))
            _take_back(named)
            if named and not is_restored:
                _put_aside(named)
    except (Error, OSError) as error:
        logger.error("Keys that belong to no certificate could not be looked for: %s", error)


def _take_back(named: Iterable[str]) -> None:
    for public in filter(keyfiles.take_back, named):
        logger.warning("The key %s... belongs to a certificate again: its file is where it was.", public[:16])


def _put_aside(named: Container[str]) -> None:
    where = f"{keyfiles.FOLDER}/{keyfiles.UNNAMED}"
    for public in keyfiles.lying(UNNAMED_FOR):
        if public not in named:
            keyfiles.put_aside(public)
            logger.warning(
                "The key %s... belongs to no certificate of this database: its file is in %s/ now.", public[:16], where
            )


def taken() -> CertificateRefused:
    return CertificateRefused("Another certificate has this name: choose another, or renew that one.", field="name")


@contextmanager
def _turn() -> Iterator[None]:
    """A transaction in which nobody else changes certificates."""
    with transaction.atomic():
        advisory.take(connection, LOCK, WAIT)
        yield


@contextmanager
def _keeping(public: str, key: pem.PrivateKey | None) -> Iterator[None]:
    """A turn at whose end the key is kept: before its row can be seen, and not where the row was refused."""
    try:
        with _turn():
            yield
            if key is not None:
                keyfiles.keep(public, pem.key_text(key))
    except BaseException:
        _forget(public)
        raise


def _forget(public: str) -> None:
    """Remove a key that no row needs any more; two certificates may share one, and another be about to."""
    try:
        with _turn():
            if public and not Certificate.objects.filter(public=public).exists():
                keyfiles.forget(public)
    except Error as error:
        logger.warning("The key %s... could not be removed (%s): a later start does.", public[:16], error)


def _told(row: Certificate) -> dict[str, Any]:
    """What the audit keeps of it."""
    words = {field: getattr(row, field) for field in ("purpose", "names", "subject", "issuer", "fingerprint")}
    return words | {"ends_at": row.ends_at.isoformat()}


def _fields(chain: Chain, key: pem.PrivateKey | None) -> dict[str, Any]:
    found = facts.of(chain)._asdict()
    return {**found, "public": found["public"] if key is not None else "", "chain": pem.chain_text(chain)}


def _tell() -> None:
    hints.hint("supervisor")
    hints.hint("panel")
