"""What must not stand in the audit: passwords, tokens, private keys. Masked before an entry is written. It knows no database."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "[redacted]"
MAX_DEPTH = 20

# Fields whose value is a secret, whatever it looks like
_FIELDS = re.compile(r"(^|[_.-])(password|passphrase|secret|token|private|pem|cookie|authorization)s?$", re.IGNORECASE)
# A token of ours, a session's cookie, a private key
_VALUES = re.compile(
    r"(?<![A-Za-z0-9_-])sp_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"
    r"|(?<=sp_[0-9a-f]{8}=)[^;\s\"']+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.IGNORECASE | re.DOTALL,
)


def masked(value: Any, depth: int = 0) -> Any:
    """The same without secrets."""
    if isinstance(value, str):
        return _VALUES.sub(MASK, value)
    if depth == MAX_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): MASK if _is_secret(key, one) else masked(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one, depth + 1) for one in value]
    return value


def masked_bytes(data: bytes) -> bytes:
    """The same of bytes that somebody sent."""
    shown: str = masked(data.decode("latin-1"))
    return shown.encode("latin-1")


def _is_secret(field: Any, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and bool(_FIELDS.search(str(field)))
