"""What a handshake has agreed on and who the client is, as it is recorded. Everything that a client chose is made visible and cut,
and is without what opens the panel.
"""

import hashlib
import ssl
from typing import Any

from services.servers.redaction import clean_text
from services.servers.report import TlsFacts

MOST = 255  # characters of a name
_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "localityName": "L",
}


def of(side: ssl.SSLObject) -> TlsFacts:
    """Of a handshake that is done."""
    cipher = side.cipher()
    shown = side.getpeercert(binary_form=True)
    return TlsFacts(
        version=version(side),
        cipher=cipher[0] if cipher else "",
        name=visible(getattr(side, "asked_for", "")),
        client=subject(side) if shown else "",
        client_sha256=hashlib.sha256(shown).hexdigest() if shown else "",
    )


def version(side: ssl.SSLObject) -> str:
    """`TLS 1.3`."""
    return (side.version() or "").replace("TLSv", "TLS ")


def subject(side: ssl.SSLObject) -> str:
    """Whom the other side's certificate names: `CN=pump 7, O=Lab`, or its first other name; it must have been checked."""
    try:
        found: dict[str, Any] = side.getpeercert() or {}
    except (ValueError, ssl.SSLError):  # checked, and yet with a part that cannot be read
        return ""
    parts = [f"{_SHORT.get(kind, kind)}={value}" for part in found.get("subject", ()) for kind, value in part]
    others = [f"{kind}:{value}" for kind, value in found.get("subjectAltName", ())]
    return visible(", ".join(parts or others[:1]))


def visible(text: str) -> str:
    """Without characters that act instead of being seen, and without secrets."""
    return clean_text("".join(each if each.isprintable() else ascii(each)[1:-1] for each in text))[:MOST]
