"""What a connection's handshake has agreed on, as it is kept and as it is told. It knows no TLS.

as_dict(row)   # {"version": "TLS 1.3", "cipher": ..., "name": ..., "client": ..., "client_sha256": ...}, or None
"""

from typing import Any

from services.servers.report import TlsFacts

# Columns of a connection, and how much each holds
COLUMNS = {"tls_version": 16, "tls_cipher": 64, "tls_name": 255, "tls_client": 255, "tls_client_sha256": 64}
_NONE = ("",) * len(COLUMNS)


def columns(facts: TlsFacts | None) -> tuple[str, ...]:
    """As they are kept."""
    if facts is None:
        return _NONE
    values = (facts.version, facts.cipher, facts.name, facts.client, facts.client_sha256)
    return tuple(value[:most] for value, most in zip(values, COLUMNS.values(), strict=True))


def as_dict(row: Any) -> dict[str, str] | None:
    """Of a connection's row; None where it spoke no TLS."""
    if not row.tls_version:
        return None
    return {column.removeprefix("tls_"): getattr(row, column) for column in COLUMNS}


def words(version: str, cipher: str, name: str, client: str, *_: str) -> str:
    """In one line, from the columns: `TLS 1.3, for lab.lan, from CN=pump 7, TLS_AES_256_GCM_SHA384`; empty without TLS."""
    if not version:
        return ""
    parts = (version, f"for {name}" if name else "", f"from {client}" if client else "", cipher)
    return ", ".join(part for part in parts if part)
