"""What a worker needs beside its spec to speak TLS, as PEM texts. It stands in no spec: it is told as the keys of commands are."""

import msgspec


class TlsMaterial(msgspec.Struct, frozen=True):
    """A certificate with its private key, and whose client certificates are believed."""

    certificate: str  # the server's own, then those between it and its root
    key: str
    client_ca: str = ""  # empty: clients are asked for none

    def __repr__(self) -> str:
        """A key stands in no log and no traceback."""
        return f"TlsMaterial({len(self.certificate)} characters of certificates, a key)"
