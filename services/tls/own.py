"""The panel's own authority: a certificate among the others that vouches for those made here. Made when something first needs it.

chain, key = issue("lab", ["lab.lan"], who="ada")
"""

from cryptography import x509

from services.errors import CertificateRefused
from services.models import Certificate
from services.tls import authority, names, pem, rows, shelf

AUTHORITY = "sockpanel-ca"  # its name


def get(who: str) -> Certificate:
    """Made when it is first needed."""
    return Certificate.objects.filter(name=AUTHORITY).first() or make([], who)


def make(also: list[str], who: str) -> Certificate:
    """Another one in its place, which may vouch for `also` besides. What the former has issued goes on until it ends."""
    certificate, key = authority.make(f"Sockpanel CA of {_place()}", names.checked(also) if also else [])
    former = Certificate.objects.filter(name=AUTHORITY).first()
    if former is None:
        return rows.create(AUTHORITY, Certificate.Purpose.AUTHORITY, [certificate], key, who)
    return rows.replace(former, [certificate], key, who, is_own=False)


def beyond() -> list[str]:
    """The names that it may vouch for besides private ones; none while there is no authority."""
    found = Certificate.objects.filter(name=AUTHORITY).first()
    return authority.beyond(pem.certificates(found.chain, "chain")[0]) if found else []


def signer(who: str) -> authority.Signed:
    """It with its key, to issue something with. Raises CertificateUnusable."""
    row, key = shelf.with_key(get(who))
    return pem.certificates(row.chain, "chain")[0], pem.private_key(key)


def issue(name: str, wanted: list[str], who: str) -> tuple[list[x509.Certificate], pem.PrivateKey]:
    """A certificate for a server. Raises CertificateRefused, or CertificateUnusable."""
    signed = signer(who)
    if foreign := authority.foreign(signed[0], wanted):
        raise CertificateRefused(
            f"The panel's own authority may not vouch for {', '.join(foreign[:3])}: make it anew for such names "
            "(manage.py certificates ca --new --for NAME), or upload a certificate.",
            field="names",
        )
    certificate, key = authority.issue(signed, f"Sockpanel {name}", wanted)
    return [certificate], key


def _place() -> str:
    return next((name for name in names.own() if name != "localhost"), "localhost")
