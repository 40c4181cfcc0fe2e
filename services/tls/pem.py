"""Certificates and private keys as people bring them (PEM) -> objects, or a sentence that says what is wrong. It keeps nothing.

chain = certificates(text, "chain")
key = private_key(text, password="")
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from services.errors import CertificateRefused

MAX_TEXT = 128 * 1024  # characters
MAX_CHAIN = 10  # certificates of a server's chain
MAX_AUTHORITIES = 100  # certificates of those whose clients are let in
LEAST_RSA = 2048  # bits

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


def certificates(text: object, field: str, most: int = MAX_CHAIN) -> list[x509.Certificate]:
    """The certificates of a PEM text, in its order. Raises CertificateRefused."""
    data = _data(text, field, "certificates")
    try:
        found = x509.load_pem_x509_certificates(data)
        for one in found:
            _ = one.extensions, one.public_key(), one.subject, one.issuer  # they are read only now
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        if b"PRIVATE KEY" in data and b"BEGIN CERTIFICATE" not in data:
            raise CertificateRefused(
                "This is a private key: the certificates begin with -----BEGIN CERTIFICATE-----.", field=field
            ) from None
        raise CertificateRefused(
            f"These are no certificates in PEM ({_short(error)}): they begin with -----BEGIN CERTIFICATE-----.",
            field=field,
        ) from None
    if len(found) > most:
        raise CertificateRefused(f"These are {len(found)} certificates; at most {most} are taken.", field=field)
    return found


def private_key(text: object, password: object = None) -> PrivateKey:
    """The private key of a PEM text; an encrypted one needs its passphrase. Raises CertificateRefused."""
    data = _data(text, "key", "a private key")
    if b"BEGIN CERTIFICATE" in data and b"PRIVATE KEY" not in data:
        raise CertificateRefused("This is a certificate: the key begins with -----BEGIN PRIVATE KEY-----.", field="key")
    try:
        key = load_pem_private_key(_key_block(data), password=_passphrase(password))
    except TypeError:
        raise _about_passphrase(password) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if password and b"ENCRYPTED" in data:
            raise CertificateRefused(
                "The passphrase does not open this key: type it again, or bring the key without one.", field="password"
            ) from None
        raise CertificateRefused(
            f"This is no private key in PEM ({_short(error)}): it begins with -----BEGIN PRIVATE KEY-----.", field="key"
        ) from None
    return _strong(key)


def key_text(key: PrivateKey) -> str:
    """PKCS #8, not encrypted: for a file that its owner alone reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def chain_text(chain: list[x509.Certificate]) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def require_strong(certificate: x509.Certificate, field: str, *, is_shown: bool = False) -> None:
    """A public key or a signature that today's clients refuse. Raises CertificateRefused.

    An authority's signature of itself is looked at by nobody; the one that a server shows as its own (`is_shown`) is.
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA:
        raise _weak_rsa(key.key_size, field)
    algorithm = certificate.signature_hash_algorithm
    is_looked_at = is_shown or certificate.issuer != certificate.subject
    if is_looked_at and algorithm is not None and algorithm.name in ("md5", "sha1"):
        raise CertificateRefused(
            f"The certificate is signed with {algorithm.name.upper()}, which no client trusts: have it made anew.",
            field=field,
        )


def _strong(key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < LEAST_RSA:
        raise _weak_rsa(key.key_size, "key")
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in _CURVES:
        raise CertificateRefused(f"The key's curve is {key.curve.name}: take one of {', '.join(_CURVES)}.", field="key")
    if not isinstance(key, PrivateKey):
        raise CertificateRefused("The key is of a kind that TLS has no use for: take RSA or EC.", field="key")
    return key


def _weak_rsa(size: int, field: str) -> CertificateRefused:
    return CertificateRefused(f"The RSA key has {size} bits: take {LEAST_RSA} or more.", field=field)


def _key_block(data: bytes) -> bytes:
    """The first private key of a text that may hold certificates, or the parameters of a curve, too."""
    for line in data.splitlines():
        if line.startswith(b"-----BEGIN ") and line.rstrip().endswith(b"PRIVATE KEY-----"):
            end = line.rstrip().replace(b"BEGIN", b"END", 1)
            block, found, _ = data[data.index(line) :].partition(end)
            return block + found
    return data


def _passphrase(password: object) -> bytes | None:
    if password is None or password == "":
        return None
    if isinstance(password, str) and len(password) <= 1024:
        try:
            return password.encode()
        except UnicodeEncodeError:
            pass
    raise CertificateRefused("The passphrase is a text of at most 1,024 characters.", field="password")


def _about_passphrase(password: object) -> CertificateRefused:
    if password:
        return CertificateRefused("The key is not encrypted: leave the passphrase empty.", field="password")
    return CertificateRefused("The key is encrypted: give its passphrase too.", field="password")


def _data(text: object, field: str, what: str) -> bytes:
    if not isinstance(text, str) or not text.strip():
        raise CertificateRefused(f"Bring {what} as PEM text.", field=field)
    if len(text) > MAX_TEXT:
        raise CertificateRefused(f"This has {len(text):,} characters; at most {MAX_TEXT:,} are taken.", field=field)
    try:
        return text.strip().encode("ascii", "strict") + b"\n"
    except UnicodeEncodeError:
        raise CertificateRefused(
            f"PEM is plain ASCII, and this is not: bring {what} as PEM text.", field=field
        ) from None


def _short(error: Exception) -> str:
    """The library's reason: its first sentence, as far as that fits into one of ours."""
    first = (str(error) or type(error).__name__).splitlines()[0].partition(". ")[0].strip().rstrip(".")
    return "".join(letter if letter.isprintable() else "?" for letter in first)[:100]
