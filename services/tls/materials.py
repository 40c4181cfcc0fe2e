"""What workers need of the certificates that their servers name; of one look: each row and key is read once, however many name it.

materials = Materials(named)          # one question for all of them
material = materials.of(spec)
"""

from collections.abc import Iterable

from services.models import Certificate
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.tls import shelf


class Materials:
    """Of those that are named `names`."""

    def __init__(self, names: Iterable[str]) -> None:
        wanted = set(names)
        rows = Certificate.objects.filter(name__in=wanted) if wanted else ()
        self._rows = {row.name: row for row in rows}
        self._pairs: dict[str, tuple[Certificate, str]] = {}

    def of(self, spec: ServerSpec) -> TlsMaterial:
        """What the worker of `spec` needs. Raises CertificateUnknown or CertificateUnusable."""
        tls = spec.tls
        client_ca = self._row(tls.client_ca).chain if tls.client != "none" and tls.client_ca else ""
        row, key = self._pair(tls.certificate)
        return TlsMaterial(certificate=row.chain, key=key, client_ca=client_ca)

    def _row(self, name: str) -> Certificate:
        if name not in self._rows:
            raise shelf.unknown(name)
        return self._rows[name]

    def _pair(self, name: str) -> tuple[Certificate, str]:
        if name not in self._pairs:
            self._pairs[name] = shelf.with_key(self._row(name))
        return self._pairs[name]


def material_for(spec: ServerSpec) -> TlsMaterial:
    """The same of one alone."""
    return Materials((spec.tls.certificate, spec.tls.client_ca)).of(spec)
