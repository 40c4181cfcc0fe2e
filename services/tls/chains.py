"""Whether certificates and a key make sense together: pair, dates, order, purpose. It keeps nothing and knows no database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.errors import CertificateRefused
from services.servers.spec import Tls
from services.servers.tls.context import reason, server_context
from services.servers.tls_material import TlsMaterial
from services.tls import facts, pem


def check_server(chain: list[x509.Certificate], key: pem.PrivateKey) -> None:
    """A server's own certificate first, then each one's issuer. Raises CertificateRefused."""
    first = chain[0]
    if facts.public(first.public_key()) != facts.public(key.public_key()):
        raise _no_pair(chain, key)
    if not facts.names(first):
        raise CertificateRefused(
            "The certificate names no host and no address: have it made anew, with subject alternative names.",
            field="chain",
        )
    _require_for_servers(first)
    for one in chain:
        _require_current(one)
        pem.require_strong(one, "chain", is_shown=one is first)
    for number, (one, issuer) in enumerate(pairwise(chain), start=2):
        _require_issued(one, issuer, number)
    _require_loadable(chain, key)


def check_authorities(found: Sequence[x509.Certificate]) -> None:
    """Those whose client certificates are believed: authorities, or the certificate of a single client. Raises CertificateRefused."""
    for one in found:
        _require_current(one)
        pem.require_strong(one, "chain")


def _no_pair(chain: list[x509.Certificate], key: pem.PrivateKey) -> CertificateRefused:
    public = facts.public(key.public_key())
    place = next((number for number, one in enumerate(chain, 1) if facts.public(one.public_key()) == public), 0)
    if place:
        return CertificateRefused(
            f"The key belongs to certificate {place}, and the server's own comes first: put that one on top.",
            field="chain",
        )
    return CertificateRefused("The key does not belong to the certificate: bring the pair.", field="key")


def _require_for_servers(first: x509.Certificate) -> None:
    try:
        uses = first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    wanted = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if wanted.isdisjoint(uses):
        raise CertificateRefused(
            "The certificate is not for servers (its extended key usage lacks serverAuth): have it made for one.",
            field="chain",
        )


def _require_current(one: x509.Certificate) -> None:
    now = datetime.now(UTC)
    if one.not_valid_after_utc <= now:
        raise CertificateRefused(
            f"{_who(one)} ended on {one.not_valid_after_utc:%Y-%m-%d}: bring the renewed one.", field="chain"
        )
    if one.not_valid_before_utc > now:
        raise CertificateRefused(
            f"{_who(one)} begins on {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC: look at this machine's clock, or wait.",
            field="chain",
        )


def _require_issued(one: x509.Certificate, issuer: x509.Certificate, number: int) -> None:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise CertificateRefused(
            f"Certificate {number} ({_who(issuer)}) did not issue the one above it ({_who(one)}): "
            "put the server's own first, then each one's issuer.",
            field="chain",
        ) from None


def _require_loadable(chain: list[x509.Certificate], key: pem.PrivateKey) -> None:
    """The last word is OpenSSL's, set up as servers have it."""
    try:
        server_context(TlsMaterial(pem.chain_text(chain), pem.key_text(key)), Tls(certificate="brought"))
    except CertificateRefused as error:
        said = reason(error.__cause__ or error)  # type: ignore[arg-type]
        raise CertificateRefused(
            f"OpenSSL does not take this certificate ({said}): have it made anew.", field="chain"
        ) from None


def _who(one: x509.Certificate) -> str:
    return facts.of([one]).subject or "a certificate without a subject"
