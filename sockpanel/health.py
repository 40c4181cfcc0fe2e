"""`/healthz`: 200 while both databases answer, messages are stored and, under `up`, a supervisor lives; else 503 with a code.

Codes of what will be wrong soon (a disk that fills up, a certificate that ends) stand beside the 200. Open to everybody; says nothing
else.
"""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from services import databases, trouble
from services.errors import CrashLoop, SockpanelError, SupervisorAway
from sockpanel import listening

SUPERVISION = frozenset({SupervisorAway.code, CrashLoop.code})


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """For load balancers and service managers."""
    try:
        databases.ask()
    except SockpanelError as error:
        return _unavailable(error.code)
    found = trouble.current()
    warnings = sorted({one.code for one in found if one.level == "warning"})
    for one in found:
        if one.level == "error" and (one.code not in SUPERVISION or listening.HAS_PARENT):
            return _unavailable(one.code)
    return JsonResponse({"status": "ok"} | ({"warnings": warnings} if warnings else {}))


def _unavailable(code: str) -> JsonResponse:
    return JsonResponse({"status": "unavailable", "code": code}, status=503)
