"""The options by which a command is told bytes: --text, --hex, --base64, --file, or what is piped in."""

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.errors import RequestRefused
from services.payload import ENCODINGS, payload

_UNDECODABLE = re.compile("[\udc80-\udcff]")  # what Python makes of bytes on the command line that are no UTF-8


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """--text, --hex, --base64, --file: at most one of them."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--text", help=r"the bytes as UTF-8 text; \r \n \t \0 \\ \xNN stand for bytes")
    group.add_argument("--hex", help="the bytes as hex, such as '48 65 6c'")
    group.add_argument("--base64", help="the bytes as base64")
    group.add_argument("--file", metavar="PATH", help="the bytes of a file; - for standard input")


def data_from(options: Mapping[str, Any]) -> bytes | None:
    """The bytes that the options name, else what is piped in; None when there is neither. Raises SockpanelError."""
    for encoding in ENCODINGS:
        if options[encoding] is not None:
            return payload(_UNDECODABLE.sub(_escape, options[encoding]), encoding)
    if options["file"] is not None and options["file"] != "-":
        return _read(options["file"])
    if options["file"] == "-" or (sys.stdin is not None and not sys.stdin.isatty()):
        return sys.stdin.buffer.read()
    return None


def _escape(match: re.Match[str]) -> str:
    return f"\\x{ord(match.group()) - 0xDC00:02x}"


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RequestRefused(f"{path} cannot be read ({error.strerror}): check the path.", field="file") from None
