"""Write one entry at the end of the chain. Nobody else writes there, and two processes at once wait for each other."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from django.db import connection, transaction

from services import advisory
from services.audit import chain, masking
from services.audit.origin import origin
from services.models import AuditEntry, Server
from services.servers import clock

KEPT_BYTES = 4096  # of what was sent; of the rest the digest tells
MAX_DETAILS = 256 * 1024  # characters of JSON
MAX_WHAT = 1000  # characters
WAIT = 5.0  # seconds for others who append on PostgreSQL
LOCK = 0x536F6B41  # of whoever appends


class More(TypedDict, total=False):
    """What an entry may say besides."""

    old: Mapping[str, Any] | None  # fields and values before the deed
    new: Mapping[str, Any] | None  # and after it
    configuration: Mapping[str, Any] | None  # all of a server's afterwards, so that it can be restored
    data: bytes  # that were sent
    code: str  # where it was refused
    cut: int  # for services.audit.cutting alone


def record(verb: str, who: str, *, server: str | Server = "", what: str = "", **more: Unpack[More]) -> AuditEntry:
    """Append an entry, last in the transaction that does the deed."""
    _require_known(more)
    came = origin.get()
    details = {key: more.get(key) for key in ("old", "new", "configuration")}
    details["token"] = {"id": came.token, "name": came.token_name} if came.token else None
    entry = AuditEntry(
        at=clock.now(),
        verb=_text(verb, 32),
        who=_text(who, 150),
        way=came.way,
        source=_text(came.source, 64),
        server=_text(str(server), 64),
        server_id=server.pk if isinstance(server, Server) else None,
        what=_text(masking.masked(what), MAX_WHAT),
        details=_details({key: value for key, value in details.items() if value is not None}),
        **_bytes(more.get("data", b"")),
        code=_text(more.get("code", ""), 8),
        cut=more.get("cut", 0),
    )
    with transaction.atomic(savepoint=False):
        _append(entry)
    return entry


def _require_known(more: Mapping[str, object]) -> None:
    """A word that is misspelt would be missing in the audit for good."""
    if unknown := more.keys() - More.__annotations__.keys():
        raise TypeError(f"An entry of the audit has no {', '.join(sorted(unknown))}.")


def _append(entry: AuditEntry) -> None:
    advisory.take(connection, LOCK, WAIT)
    last = AuditEntry.objects.order_by("-number").values_list("number", "hash").first()
    entry.number, entry.previous = (last[0] + 1, last[1]) if last else (1, chain.FIRST)
    entry.hash = chain.digest(entry)
    entry.save(force_insert=True)


def _details(told: Mapping[str, Any]) -> str:
    """Canonical JSON; what is too long is told by its digest."""
    shown = masking.masked(told)
    text = chain.as_json(shown) if shown else ""
    if len(text) <= MAX_DETAILS:
        return text
    left_out = {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return chain.as_json({"left_out": left_out} | {key: shown[key] for key in ("token",) if key in shown})


def _bytes(data: bytes) -> dict[str, Any]:
    """The beginning of what was sent, its true size and the digest of all of it."""
    if not data:
        return {"data": b"", "size": 0, "sha256": ""}
    shown = masking.masked_bytes(data)[:KEPT_BYTES]
    return {"data": shown, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _text(words: str, most: int) -> str:
    """As much as is kept, and nothing that PostgreSQL would not take."""
    return words[:most].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
