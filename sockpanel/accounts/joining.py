"""The page that an invitation leads to: whoever has its link chooses a name and a password, and is in."""

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from services.errors import ConfigurationRefused, InvitationRefused
from sockpanel import problems
from sockpanel.accounts import invitations, throttle
from sockpanel.accounts.views import BACKEND


@csrf_exempt  # the token in the body is a secret that no foreign page has
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """The form, and what comes of it."""
    if request.method != "POST":
        return _form(request, {})
    sent = request.POST
    try:
        with throttle.hashing():
            user = invitations.accept(
                sent.get("token", "").strip(), sent.get("username", "").strip(), sent.get("password", "")
            )
    except InvitationRefused as error:
        problems.refused(request, error.code, error.message)
        return _form(request, {"token": error.message}, status=403)
    except ConfigurationRefused as error:
        return _form(request, error.problems, status=422)
    login(request, user, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)


def _form(request: HttpRequest, problems: dict[str, str], status: int = 200) -> HttpResponse:
    sent = {name: request.POST.get(name, "") for name in ("token", "username")}
    return render(request, "accounts/invite.html", {"sent": sent, "problems": problems}, status=status)
