"""The options by which a command is told how to speak TLS as a client: --tls, --ca, --insecure, --name, --cert."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.errors import RequestRefused

MOST = 256 * 1024  # bytes of a file of certificates


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """Each of them means --tls."""
    parser.add_argument("--tls", action="store_true", help="speak TLS; the system's authorities are believed")
    parser.add_argument(
        "--ca", metavar="FILE", help="believe these certificates too: an authority, or the server's own"
    )
    parser.add_argument("--insecure", action="store_true", help="take whatever certificate the server shows")
    parser.add_argument("--name", metavar="NAME", help="what the server's certificate must be for; HOST")
    parser.add_argument(
        "--cert", metavar="FILE", help="our own certificate and its key, for a server that asks for one"
    )


def tls_from(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The words of a request; None for plain text. Raises RequestRefused."""
    if not any(options.get(name) for name in ("tls", "ca", "insecure", "name", "cert")):
        return None
    ca = _read(options["ca"], "ca") if options["ca"] else ""
    return {"ca": ca, "insecure": options["insecure"], "name": options["name"] or ""}


def identity_from(options: Mapping[str, Any]) -> str:
    """Our certificate and its key; empty for none. Raises RequestRefused."""
    return _read(options["cert"], "cert") if options.get("cert") else ""


def _read(path: str, field: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST).decode("ascii", "replace")
    except OSError as error:
        raise RequestRefused(f"{path} cannot be read ({error.strerror}): check the path.", field=field) from None
