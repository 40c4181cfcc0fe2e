"""What binds the entries: the hash of each covers all that it says, and the hash of the one before. It knows no database.

Canonical bytes are the entry's columns as JSON: ASCII, keys in order, no spaces, bytes as base64.
"""

import base64
import hashlib
import json
from typing import Any, Protocol

FIRST = ""  # what stands where the first entry has no hash before it
COLUMNS = (
    *("number", "at", "verb", "who", "way", "source", "server", "server_id", "what", "details"),
    *("data", "size", "sha256", "code", "cut", "previous"),
)


class Entry(Protocol):
    """An entry of the audit, as the models have it."""

    number: int
    previous: str
    hash: str


def canonical(entry: Entry) -> bytes:
    """The bytes that are hashed."""
    said = {column: getattr(entry, column) for column in COLUMNS}
    said["data"] = base64.b64encode(bytes(said["data"])).decode()
    return as_json(said).encode()


def digest(entry: Entry) -> str:
    """The hash of an entry, in hex."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def as_json(value: Any) -> str:
    """One text for one value."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str)
