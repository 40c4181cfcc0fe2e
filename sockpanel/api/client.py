"""One exchange as a client."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors
from services.client import Exchange, build
from services.client.targets import exchange_for
from services.servers.clock import rfc3339
from services.servers.escapes import to_text
from sockpanel.api import requests, schemas
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, words
from sockpanel.api.openapi import described

router = Router(tags=["client"])


@router.post(
    "/client",
    auth=Allowed("client.use"),
    **described(
        {200: schemas.Exchanged},
        errors.RequestRefused,
        errors.TextMalformed,
        errors.ExchangeFailed,
        errors.ExchangeRefused,
        errors.ExchangeUnreachable,
        errors.ExchangeTimedOut,
        errors.ExchangeReset,
        errors.TargetNameUnknown,
        errors.TargetForbidden,
        errors.ExchangeNotSecured,
        errors.FrameTooLong,
        body=requests.Exchange,
    ),
)
async def client(request: HttpRequest) -> HttpResponse:
    """Send bytes to a server, as a client would, and tell what came back and how long it took."""
    return json(_told(await exchange_for(who(request), build(words(request)))))


def _told(done: Exchange) -> dict[str, object]:
    whole = b"".join(piece.data for piece in done.received)
    return {
        "sent": done.sent,
        "sent_at": rfc3339(done.sent_at),
        "peer": done.peer,
        "local": done.local,
        "received": [
            {
                "data": piece.data,
                "text": to_text(piece.data),
                "at": rfc3339(piece.at),
                "peer": piece.peer,
                "after_ms": piece.after_ms,
            }
            for piece in done.received
        ],
        "data": whole,
        "text": to_text(whole),
        "seconds": done.seconds,
        "ended": done.ended,
        "tls": done.tls,
        "note": done.note,
    }
