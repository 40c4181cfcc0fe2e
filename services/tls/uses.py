"""Who uses which certificate, and which ones a server's configuration may name. It changes nothing."""

from collections.abc import Mapping
from typing import Any

from services.models import Certificate, Server

_Purpose = Certificate.Purpose
BELIEVED = (_Purpose.CLIENTS, _Purpose.AUTHORITY)  # whose client certificates a server can believe


def users() -> dict[str, list[str]]:
    """Name of a certificate -> names of the servers that speak TLS with it, or believe it."""
    found: dict[str, list[str]] = {}
    for server in Server.objects.filter(tls__mode="on").order_by("name"):
        for name in named(server.tls):
            found.setdefault(name, []).append(server.name)
    return found


def named(tls: Mapping[str, Any]) -> set[str]:
    """The certificates that a server's configuration names."""
    client_ca = tls.get("client_ca") if tls.get("client", "none") != "none" else ""
    return {name for name in (tls.get("certificate"), client_ca) if isinstance(name, str) and name and "\0" not in name}


def for_servers() -> list[str]:
    """Names of the certificates that a server can show."""
    return list(Certificate.objects.filter(purpose=_Purpose.SERVER).values_list("name", flat=True))


def for_clients() -> list[str]:
    """Names of the authorities whose client certificates a server can believe."""
    return list(Certificate.objects.filter(purpose__in=BELIEVED).values_list("name", flat=True))


def problems(tls: Mapping[str, Any]) -> dict[str, str]:
    """Field -> sentence, for what a configuration names and there is not."""
    if tls.get("mode") != "on":
        return {}
    found, client_ca = {}, tls.get("client_ca", "") if tls.get("client", "none") != "none" else ""
    if (name := tls.get("certificate", "")) and name not in (known := for_servers()):
        found["tls.certificate"] = f"There is no certificate {name!r} for servers: {_choice(known)}"
    if client_ca and client_ca not in (known := for_clients()):
        found["tls.client_ca"] = f"There is no authority {client_ca!r}: {_choice(known)}"
    return found


def _choice(names: list[str]) -> str:
    if not names:
        return "make one on the page Certificates, or with manage.py certificates."
    return (
        f"choose {', '.join(names[:5])}{' or another' if len(names) > 5 else ''}, or make one on the page Certificates."
    )
