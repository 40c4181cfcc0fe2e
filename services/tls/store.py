"""What people do with the certificates of this panel: made, uploaded, renewed, removed. The one door for pages, API and command line.

Rows hold what everybody may know, files hold the private keys. A renewed certificate keeps its name, and servers that run with it
take up the new one.

    make({"name": "lab", "names": ["lab.lan", "192.0.2.7"]}, who="ada")
"""

from collections.abc import Mapping
from typing import Any

from cryptography import x509

from services.errors import CertificateRefused
from services.models import Certificate
from services.servers.spec import NAME
from services.tls import chains, names, own, pem, rows
from services.tls.shelf import find

UPLOADED = ("chain", "key", "password")

_Purpose = Certificate.Purpose


def make(words: Mapping[str, Any], who: str) -> Certificate:
    """A certificate of the panel's own authority, which is made when it is first needed. Raises CertificateRefused."""
    _refuse_unknown(words, ("name", "names"))
    name, wanted = _free_name(words.get("name")), names.checked(words.get("names") or names.own())
    return rows.create(name, _Purpose.SERVER, *own.issue(name, wanted, who), who, is_own=True)


def upload(words: Mapping[str, Any], who: str) -> Certificate:
    """A chain with its key, or (`purpose` is `clients`) authorities. Raises CertificateRefused; then nothing is kept."""
    _refuse_unknown(words, ("name", "purpose", *UPLOADED))
    name, purpose = _free_name(words.get("name")), words.get("purpose") or _Purpose.SERVER
    if purpose not in (_Purpose.SERVER, _Purpose.CLIENTS):
        raise CertificateRefused("The purpose is server or clients.", field="purpose")
    return rows.create(name, purpose, *_read(_Purpose(purpose), words), who)


def renew(name: str, words: Mapping[str, Any], who: str) -> Certificate:
    """New material for the same name: issued anew, or as it is brought. Servers take it up while they run.

    Raises CertificateUnknown or CertificateRefused; then the old one stays.
    """
    row = find(name)
    _refuse_unknown(words, UPLOADED)
    if row.purpose == _Purpose.AUTHORITY:
        return own.make([], who)
    if row.is_own and not any(words.get(field) for field in UPLOADED):
        return rows.replace(row, *own.issue(name, row.names, who), who, is_own=True)
    return rows.replace(row, *_read(_Purpose(row.purpose), words), who, is_own=False)


def remove(name: str, who: str) -> None:
    """Raises CertificateUnknown or CertificateInUse."""
    rows.remove(name, who)


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


def _free_name(value: object) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise CertificateRefused(
            "A certificate's name is 1 to 64 small letters, digits, - or _, and begins and ends with a letter or digit.",
            field="name",
        )
    if value == own.AUTHORITY:
        raise CertificateRefused(f"{own.AUTHORITY} is the panel's own authority: choose another name.", field="name")
    if Certificate.objects.filter(name=value).exists():
        raise rows.taken()
    return value


def _refuse_unknown(words: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for field in words:
        if field not in known:
            raise CertificateRefused(
                f"{str(field)[:64]!r} is nothing that can be set here: use {', '.join(known)}.", field=str(field)[:64]
            )
