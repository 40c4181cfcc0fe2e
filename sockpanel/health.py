"""`/healthz`: 200 while both databases answer, else 503 with the code of the reason. Open to everybody; says nothing else."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from services import databases
from services.errors import SockpanelError


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """For load balancers and service managers."""
    try:
        databases.ask()
    except SockpanelError as error:
        return JsonResponse({"status": "unavailable", "code": error.code}, status=503)
    return JsonResponse({"status": "ok"})
