"""Which certificates this panel has: all of them, one by its name, one with its key. It changes nothing.

row, key = with_key("lab")
"""

from services.errors import CertificateUnknown, CertificateUnusable
from services.models import Certificate
from services.tls import keyfiles


def listed() -> list[Certificate]:
    """By name."""
    return list(Certificate.objects.all())


def find(name: str) -> Certificate:
    """Raises CertificateUnknown."""
    found = Certificate.objects.filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise unknown(name)
    return found


def unknown(name: str) -> CertificateUnknown:
    return CertificateUnknown(f"There is no certificate named {name[:64]!r}: look at the list of certificates.")


def with_key(row: Certificate) -> tuple[Certificate, str]:
    """The row as it is now, and its private key as PEM. Raises CertificateUnusable, or CertificateUnknown.

    A renewal between the look at the row and that at the file has removed the file: then the row is another one, too.
    """
    if not row.public:
        raise CertificateUnusable(
            f"{row.name} has no private key here: it tells whose clients are let in, and no server can show it."
        )
    for _ in range(3):
        key = keyfiles.read(row.public)
        if key is not None:
            return row, key
        row = find(row.name)
    raise CertificateUnusable(
        f"The private key of {row.name} is not on this machine ({keyfiles.path_of(row.public)}): renew it here, or bring that file."
    )
