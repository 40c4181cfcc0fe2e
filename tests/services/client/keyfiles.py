"""Private keys in files, as ssh-keygen and openssl leave them."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)


def pem(
    private: Ed25519PrivateKey | X25519PrivateKey,
    format: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return private.private_bytes(Encoding.PEM, format, encryption or NoEncryption())


def kept(path: Path, text: bytes, mode: int = 0o600) -> str:
    """A file that only its owner may read."""
    path.write_bytes(text)
    path.chmod(mode)
    return str(path)
