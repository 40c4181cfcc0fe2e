"""The oldest entries moved into a file, for an audit that has grown too large. The cut is an entry too, with the hash that it follows.

Without that entry the database lets none go (services.audit.guard), and `verify` would miss them. What is cut can be read and checked
in its file: one JSON object a line, with all that was hashed. Earlier configurations among it can be restored no more.
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from django.db import transaction

from services.audit import chain, tampered
from services.audit.writing import record
from services.errors import RequestRefused
from services.models import AuditEntry
from services.storage import places

AT_ONCE, BYTES_AT_ONCE = 20_000, 32 * 1024**2  # entries of one transaction, and bytes of their lines
READ_AT_ONCE = 50  # entries, each of up to 256 KiB and more


def cut(before: int, path: Path, who: str) -> int:
    """Move what is older than `before` (microseconds since 1970) into a new file; the newest entry stays. Returns how many went."""
    numbers = (
        AuditEntry.objects.filter(number__lte=tampered.LARGEST).order_by("-number").values_list("number", flat=True)
    )
    found, newest = numbers.filter(at__lt=before).first(), numbers.first()
    last = min(found or 0, (newest or 0) - 1)
    if last < 1:
        return 0
    count = 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            places.sync(path.absolute().parent)
            while moved := _cut_some(last, file, path, who):
                count += moved
    except OSError as error:
        raise RequestRefused(
            f"{path} cannot be written ({error.strerror}), and {count:,} entries went: name a file that is not there yet."
        ) from None
    return count


def _cut_some(last: int, file: Any, path: Path, who: str) -> int:
    with transaction.atomic():
        with tampered.any_text():
            count, end, digest = _write(last, file)
        if end is None:
            return 0
        told = {"number": end.number, "hash": end.hash, "file": str(path.absolute())}
        told["sha256"] = digest  # of the lines of this cut
        what = f"{count} entries up to {end.number} went into a file"
        record("audit.cut", who, what=what, new=told, cut=end.number)
        AuditEntry.objects.filter(number__lte=end.number).delete()
    return count


def _write(last: int, file: Any) -> tuple[int, AuditEntry | None, str]:
    """The oldest entries into the file: how many, the last of them, and the SHA-256 of their lines."""
    count, size, end, digest = 0, 0, None, hashlib.sha256()
    for end in AuditEntry.objects.filter(number__lte=last).order_by("number")[:AT_ONCE].iterator(READ_AT_ONCE):
        line = _line(end)
        file.write(line)
        digest.update(line)
        count, size = count + 1, size + len(line)
        if size >= BYTES_AT_ONCE:
            break
    file.flush()
    os.fsync(file.fileno())  # it is there before they go
    return count, end, digest.hexdigest()


def _line(entry: AuditEntry) -> bytes:
    """Whatever somebody put into a column stands there too: it is evidence."""
    said = {column: getattr(entry, column) for column in (*chain.COLUMNS, "hash")}
    if isinstance(entry.data, bytes | memoryview):
        said["data"] = base64.b64encode(entry.data).decode()
    return json.dumps(said, default=repr).encode() + b"\n"
