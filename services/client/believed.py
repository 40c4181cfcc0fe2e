"""Whom the panel believes when it is a client itself: the system's authorities, its own, and the certificates of its servers."""

import msgspec

from services.client.request import Request
from services.models import Certificate


def with_own(request: Request) -> Request:
    """The same request, which believes what this panel has made or been given."""
    if request.tls is None or request.tls.insecure:
        return request
    kept = Certificate.objects.exclude(purpose=Certificate.Purpose.CLIENTS).values_list("chain", flat=True)
    trust = msgspec.structs.replace(request.tls, ca="\n".join([request.tls.ca, *kept]).strip())
    return msgspec.structs.replace(request, tls=trust)
