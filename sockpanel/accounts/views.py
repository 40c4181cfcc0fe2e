"""The pages of who has no session yet: set-up and sign-in; and the way out."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from services.errors import ConfigurationRefused, SetupFinished, SetupTokenRefused, TooManyAttempts
from sockpanel import problems
from sockpanel.accounts import setup, throttle
from sockpanel.accounts.ending import explain
from sockpanel.accounts.models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"


@csrf_exempt  # the token in the body is a secret that no foreign page has; sessions change under a race of submissions
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Create the first admin, or give somebody a new password, by a one-time link."""
    if request.method != "POST":
        if not setup.needed() and not setup.resetting():
            raise SetupFinished(setup.FINISHED)
        return _form(request, {})
    try:
        user = _create_or_reset(request.POST)  # no throttle: without the token nothing is hashed, and one wins the race
    except ConfigurationRefused as error:
        return _form(request, error.problems, status=422)
    except SetupTokenRefused as error:
        problems.refused(request, error.code, error.message)
        return _form(request, {"token": error.message}, status=403)
    login(request, user, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)


def _create_or_reset(sent: QueryDict) -> User:
    token, password = sent.get("token", "").strip(), sent.get("password", "")
    if setup.resetting():
        return setup.reset_password(token, password)
    return setup.create_admin(token, sent.get("username", "").strip(), password)


def _form(request: HttpRequest, problems: dict[str, str], status: int = 200) -> HttpResponse:
    sent = {name: request.POST.get(name, "") for name in ("token", "username")}
    return render(
        request,
        "accounts/setup.html",
        {"sent": sent, "problems": problems, "resetting": setup.resetting()},
        status=status,
    )


class SignIn(LoginView):
    """Fields `username` and `password`; 302 on success."""

    template_name = "accounts/login.html"

    @method_decorator([sensitive_post_parameters(), never_cache])
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Not LoginView's: that one brings Django's own keeper of forms' secrets, which makes a session for everybody."""
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        return super(LoginView, self).dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(ended_because=explain(self.request), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with throttle.hashing():
                return super().post(request, *args, **kwargs)
        except TooManyAttempts as error:
            return throttle.refuse(request, error.message, seconds=5)

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 400
        return response


class SignOut(LogoutView):
    """POST only; leads to the sign-in page."""

    next_page = "/login/"


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Django's admin has no sign-in of its own; whoever gets here signed in is not an admin."""
    if request.user.is_authenticated:
        raise PermissionDenied("This needs the role admin: ask an admin for it.")
    return HttpResponseRedirect(f"{resolve_url('login')}?{request.META.get('QUERY_STRING', '')}")
