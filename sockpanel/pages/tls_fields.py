"""The fields of a server's form about TLS. A certificate is chosen from those that there are, or made for this server on the spot."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from services.errors import CertificateRefused, CertificateUnusable
from services.servers.spec import Tls
from services.tls import uses
from services.tls.quick import certificate_for
from sockpanel.accounts import access
from sockpanel.pages.field import Field, choices, literal
from sockpanel.pages.frame import who

Choices = tuple[tuple[str, str], ...]

NEW = "+"  # stands for a certificate that is yet to be made
_NEW_WORDS = (NEW, "A new one for this server")
_MODES = {"off": "No", "on": "Yes"}
_CLIENTS = {"none": "No", "optional": "If they have one", "required": "Yes; others are turned away"}
_VERSIONS = {"1.2": "TLS 1.2", "1.3": "TLS 1.3"}
_TCP = {"kind": ("tcp", "time"), "transport": ("tcp",)}
_ON = _TCP | {"tls.mode": ("on",)}

TLS_FIELDS = (
    Field(
        "tls.mode", "Speak TLS", "tls", "choice", choices=choices(literal(Tls, "mode"), _MODES), when=_TCP,
        help="Connections are encrypted; clients that do not speak TLS are turned away.",
    ),
    Field(
        "tls.certificate", "Certificate", "tls", "choice", choices=(_NEW_WORDS,), when=_ON,
        help="A new one is issued by this panel's own authority, which clients must trust: see the page Certificates.",
    ),
    Field("tls.client", "Clients show a certificate", "tls", "choice", choices=choices(literal(Tls, "client"), _CLIENTS), when=_ON),
    Field(
        "tls.client_ca", "Issued by", "tls", "choice", when=_ON | {"tls.client": ("optional", "required")},
        help="The authority whose client certificates are believed.",
    ),
    Field("tls.minimum", "Oldest version", "tls", "choice", choices=choices(literal(Tls, "minimum"), _VERSIONS), when=_ON),
)  # fmt: skip


def offered(values: Mapping[str, Any]) -> dict[str, Choices]:
    """Field -> the certificates that there are now, and the one that was chosen."""
    certificate, client_ca = values.get("tls.certificate"), values.get("tls.client_ca")
    return {
        "tls.certificate": (_NEW_WORDS, *_names(uses.for_servers(), certificate)),
        "tls.client_ca": (("", "Choose"), *_names(uses.for_clients(), client_ca)),
    }


def _names(names: list[str], value: Any) -> Choices:
    gone = [(value, f"{value} (is gone)")] if value and value not in (*names, NEW) else []
    return (*((name, name) for name in names), *gone)


def fulfil(request: HttpRequest, words: dict[str, Any]) -> dict[str, str]:
    """Make the certificate that the form asks for, and name it in `words`. What went wrong, by field."""
    tls = words["tls"]
    if tls.get("mode") != "on" or tls.get("certificate") != NEW:
        return {}
    access.check(request, "tls.change")
    try:
        tls["certificate"] = certificate_for(str(words.get("name", "")), str(words.get("host", "")), who(request))
    except (CertificateRefused, CertificateUnusable) as error:
        return {"name" if error.field == "name" else "tls.certificate": error.message}
    return {}
