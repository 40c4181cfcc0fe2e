"""The shapes of what the API gives of certificates, for its description. No logic."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sockpanel.api.schemas import Time


class Certificate(msgspec.Struct):
    """A certificate; its private key is told to nobody."""

    name: str
    purpose: Annotated[
        Literal["server", "clients", "authority"],
        Meta(description="servers show it; whose client certificates are believed; the panel's own authority"),
    ]
    is_own: Annotated[bool, Meta(description="issued by the panel's own authority")]
    names: Annotated[list[str], Meta(description="host names and addresses that it is for")]
    subject: str
    issuer: str
    fingerprint: Annotated[str, Meta(description="SHA-256, hex")]
    begins_at: Time
    ends_at: Time
    state: Annotated[Literal["valid", "ending", "ended"], Meta(description="ending: within 21 days")]
    used_by: Annotated[list[str], Meta(description="names of servers")]
    has_key: Annotated[bool, Meta(description="its private key is on this machine")]
    revision: Annotated[int, Meta(description="grows with each renewal")]
    created_by: str
    created_at: Time
    renewed_by: str
    renewed_at: Time | None
    chain: Annotated[str, Meta(description="PEM, its own first")]


class Certificates(msgspec.Struct):
    """Every certificate, by name."""

    certificates: list[Certificate]


class ClientCertificate(msgspec.Struct):
    """One for a client, with its private key: in this answer and nowhere else."""

    name: str
    certificate: Annotated[str, Meta(description="PEM")]
    key: Annotated[str, Meta(description="PEM, not encrypted")]
    fingerprint: str
    ends_at: Time
