"""The certificates of this panel: made, uploaded, renewed, removed; and what a worker needs of them.

Rows hold what everybody may know, files hold the private keys. A renewed certificate keeps its name, and servers that run with it
take up the new one.

    make({"name": "lab", "names": ["lab.lan", "192.0.2.7"]}, who="ada")
    material = material_for(spec)
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from services import audit, hints
from services.errors import CertificateInUse, CertificateRefused, CertificateUnknown, CertificateUnusable
from services.models import Certificate
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.tls import authority, chains, facts, keyfiles, names, pem, uses

AUTHORITY = "sockpanel-ca"  # the name of the panel's own
MAX_CERTIFICATES = 500
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
UPLOADED = ("chain", "key", "password")

_Purpose = Certificate.Purpose


# Looking


def listed() -> list[Certificate]:
    """By name."""
    return list(Certificate.objects.all())


def find(name: str) -> Certificate:
    """Raises CertificateUnknown."""
    found = Certificate.objects.filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise CertificateUnknown(f"There is no certificate named {name[:64]!r}: look at the list of certificates.")
    return found


def material_for(spec: ServerSpec) -> TlsMaterial:
    """What the worker of `spec` needs. Raises CertificateUnknown or CertificateUnusable."""
    tls = spec.tls
    client_ca = find(tls.client_ca).chain if tls.client != "none" and tls.client_ca else ""
    row, key = _with_key(tls.certificate)
    return TlsMaterial(certificate=row.chain, key=key, client_ca=client_ca)


def _with_key(name: str) -> tuple[Certificate, str]:
    """A renewal between the look at the row and that at the file has removed the file: then the row is another one, too."""
    row = find(name)
    if not row.public:
        raise CertificateUnusable(
            f"{name} has no private key here: it tells whose clients are let in, and no server can show it."
        )
    for _ in range(3):
        key = keyfiles.read(row.public)
        if key is not None:
            return row, key
        row = find(name)
    raise CertificateUnusable(
        f"The private key of {name} is not on this machine ({keyfiles.path_of(row.public)}): renew it here, or bring that file."
    )


# Making


def make(words: Mapping[str, Any], who: str) -> Certificate:
    """A certificate of the panel's own authority, which is made when it is first needed. Raises CertificateRefused."""
    _refuse_unknown(words, ("name", "names"))
    name, wanted = _free_name(words.get("name")), names.checked(words.get("names") or names.own())
    return _create(name, _Purpose.SERVER, *_issued(name, wanted, who), who, is_own=True)


def upload(words: Mapping[str, Any], who: str) -> Certificate:
    """A chain with its key, or (`purpose` is `clients`) authorities. Raises CertificateRefused; then nothing is kept."""
    _refuse_unknown(words, ("name", "purpose", *UPLOADED))
    name, purpose = _free_name(words.get("name")), words.get("purpose") or _Purpose.SERVER
    if purpose not in (_Purpose.SERVER, _Purpose.CLIENTS):
        raise CertificateRefused("The purpose is server or clients.", field="purpose")
    return _create(name, purpose, *_read(_Purpose(purpose), words), who)


def renew(name: str, words: Mapping[str, Any], who: str) -> Certificate:
    """New material for the same name: issued anew, or as it is brought. Servers take it up while they run.

    Raises CertificateUnknown or CertificateRefused; then the old one stays.
    """
    row = find(name)
    _refuse_unknown(words, UPLOADED)
    if row.purpose == _Purpose.AUTHORITY:
        return new_authority([], who)
    if row.is_own and not any(words.get(field) for field in UPLOADED):
        return _replace(row, *_issued(name, row.names, who), who, is_own=True)
    return _replace(row, *_read(_Purpose(row.purpose), words), who, is_own=False)


def remove(name: str, who: str) -> None:
    """Raises CertificateUnknown or CertificateInUse."""
    with transaction.atomic():
        row = find(name)
        if used := uses.users().get(name):
            raise CertificateInUse(f"{name} is used by {', '.join(used[:5])}: give them another certificate first.")
        row.delete()
        audit.record("tls.change", who, what=f"{name} is removed", old=_told(row))
        transaction.on_commit(lambda: _forget(row.public))
    _tell()


# The panel's own authority


def own_authority(who: str) -> Certificate:
    """Made when it is first needed."""
    return Certificate.objects.filter(name=AUTHORITY).first() or new_authority([], who)


def new_authority(also: list[str], who: str) -> Certificate:
    """Another one in its place, which may vouch for `also` besides. What the former has issued goes on until it ends."""
    certificate, key = authority.make(f"Sockpanel CA of {_place()}", names.checked(also) if also else [])
    row = Certificate.objects.filter(name=AUTHORITY).first()
    if row is None:
        return _create(AUTHORITY, _Purpose.AUTHORITY, [certificate], key, who)
    return _replace(row, [certificate], key, who, is_own=False)


def _place() -> str:
    return next((name for name in names.own() if name != "localhost"), "localhost")


def issuer(who: str) -> authority.Signed:
    """The authority with its key, to issue something with. Raises CertificateUnusable."""
    own_authority(who)
    row, key = _with_key(AUTHORITY)
    return pem.certificates(row.chain, "chain")[0], pem.private_key(key)


def _issued(name: str, wanted: list[str], who: str) -> tuple[list[x509.Certificate], pem.PrivateKey]:
    signer = issuer(who)
    if foreign := authority.foreign(signer[0], wanted):
        raise CertificateRefused(
            f"The panel's own authority may not vouch for {', '.join(foreign[:3])}: make it anew for such names "
            "(manage.py certificates ca --new --for NAME), or upload a certificate.",
            field="names",
        )
    certificate, key = authority.issue(signer, f"Sockpanel {name}", wanted)
    return [certificate], key


# Rows


def _read(
    purpose: Certificate.Purpose, words: Mapping[str, Any]
) -> tuple[list[x509.Certificate], pem.PrivateKey | None]:
    if purpose == _Purpose.CLIENTS:
        if words.get("key"):
            raise CertificateRefused("Bring no key with authorities: their certificates are enough.", field="key")
        found = pem.certificates(words.get("chain"), "chain", pem.MAX_AUTHORITIES)
        chains.check_authorities(found)
        return found, None
    chain = pem.certificates(words.get("chain"), "chain")
    key = pem.private_key(words.get("key"), words.get("password"))
    chains.check_server(chain, key)
    return chain, key


def _create(
    name: str, purpose: str, chain: list[x509.Certificate], key: pem.PrivateKey | None, who: str, is_own: bool = False
) -> Certificate:
    fields = _fields(chain, key)

    def write() -> Certificate:
        if Certificate.objects.count() >= MAX_CERTIFICATES:
            raise CertificateRefused(f"There are {MAX_CERTIFICATES} certificates: remove one that is not needed.")
        row = Certificate.objects.create(name=name, purpose=purpose, is_own=is_own, created_by=who, **fields)
        audit.record("tls.change", who, what=f"{name} is new", new=_told(row))
        return row

    try:
        return _written(key, write)
    except IntegrityError:
        raise _taken() from None


def _replace(
    row: Certificate, chain: list[x509.Certificate], key: pem.PrivateKey | None, who: str, is_own: bool
) -> Certificate:
    fields, former = _fields(chain, key), row.public

    def write() -> Certificate:
        changed = Certificate.objects.filter(pk=row.pk).update(
            **fields, is_own=is_own, revision=F("revision") + 1, renewed_by=who, renewed_at=timezone.now()
        )
        if not changed:
            raise CertificateUnknown(f"{row.name} was removed meanwhile: make it anew.")
        transaction.on_commit(lambda: _forget(former))
        now = find(row.name)
        audit.record("tls.change", who, what=f"{row.name} is renewed", old=_told(row), new=_told(now))
        return now

    return _written(key, write)


def _told(row: Certificate) -> dict[str, Any]:
    """What the audit keeps of it."""
    words = {field: getattr(row, field) for field in ("purpose", "names", "subject", "issuer", "fingerprint")}
    return words | {"ends_at": row.ends_at.isoformat()}


def _fields(chain: list[x509.Certificate], key: pem.PrivateKey | None) -> dict[str, Any]:
    found = facts.of(chain)._asdict()
    return {**found, "public": found["public"] if key is not None else "", "chain": pem.chain_text(chain)}


def _written(key: pem.PrivateKey | None, write: Callable[[], Certificate]) -> Certificate:
    """The key first: a row without one would be a promise that nobody can keep."""
    public = facts.public(key.public_key()) if key is not None else ""
    if key is not None:
        keyfiles.keep(public, pem.key_text(key))
    try:
        with transaction.atomic():
            row = write()
    except BaseException:
        _forget(public)
        raise
    _tell()
    return row


def _forget(public: str) -> None:
    """Remove a key that no row needs any more; two certificates may share one."""
    if public and not Certificate.objects.filter(public=public).exists():
        keyfiles.forget(public)


def _free_name(value: object) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise CertificateRefused(
            "A certificate's name is 1 to 64 small letters, digits, - or _, and begins and ends with a letter or digit.",
            field="name",
        )
    if value == AUTHORITY:
        raise CertificateRefused(f"{AUTHORITY} is the panel's own authority: choose another name.", field="name")
    if Certificate.objects.filter(name=value).exists():
        raise _taken()
    return value


def _taken() -> CertificateRefused:
    return CertificateRefused("Another certificate has this name: choose another, or renew that one.", field="name")


def _refuse_unknown(words: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for field in words:
        if field not in known:
            raise CertificateRefused(
                f"{str(field)[:64]!r} is nothing that can be set here: use {', '.join(known)}.", field=str(field)[:64]
            )


def _tell() -> None:
    hints.hint("supervisor")
    hints.hint("panel")
