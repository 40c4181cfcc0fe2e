"""What must not stand in the audit: passwords, tokens, private keys. Masked before an entry is written. It knows no database."""

import re
from collections.abc import Mapping
from typing import Any

from services.servers.redaction import clean_text

MASK = "[redacted]"
MAX_DEPTH = 20

# Fields whose value is a secret, whatever it looks like
_FIELDS = re.compile(r"(^|[_.-])(password|passphrase|secret|token|private|pem|cookie|authorization)s?$", re.IGNORECASE)
# Beside what opens the panel (services.servers.redaction)
_PRIVATE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.IGNORECASE | re.DOTALL
)


def masked(value: Any, depth: int = 0) -> Any:
    """The same without secrets."""
    if isinstance(value, str):
        return _PRIVATE.sub(MASK, clean_text(value))
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
