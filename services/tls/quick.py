"""A certificate for one server, with nothing asked: named after it, for what this machine is called and the server's own address.

name = certificate_for("lab", "192.0.2.7", who="ada")
"""

from services.models import Certificate
from services.tls import authority, names, own, store


def certificate_for(server: str, host: str, who: str) -> str:
    """The name of a certificate; one that an earlier try has made is taken. Raises CertificateRefused or CertificateUnusable."""
    former = Certificate.objects.filter(name=server, purpose=Certificate.Purpose.SERVER).exists()
    if not former:
        store.make({"name": server, "names": _names(host, who)}, who)
    return server


def _names(host: str, who: str) -> list[str]:
    """The machine may have got another address since the authority was made, which that may not vouch for."""
    wanted = [*names.own(), *([host] if names.as_address(host) and host not in ("0.0.0.0", "::") else [])]  # noqa: S104
    foreign = authority.foreign(own.signer(who)[0], wanted)
    return [name for name in dict.fromkeys(wanted) if name not in foreign]
