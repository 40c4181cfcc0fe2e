"""Everybody who has an account, what may be done about them, and invitations for those who have none. For admins.

The link of an invitation is shown in the answer to the POST that made it, and nowhere else.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from services.errors import ConfigurationRefused, RequestRefused, SockpanelError
from sockpanel.accounts import invitations, own, people
from sockpanel.accounts.access import require
from sockpanel.accounts.models import Invitation, User
from sockpanel.moments import rfc3339
from sockpanel.pages.frame import page, who

VERBS = {
    "role": "users.change",
    "enable": "users.change",
    "disable": "users.change",
    "invite": "users.change",
    "sign-out": "users.revoke",
    "uninvite": "users.revoke",
}
ROLES = {
    User.Role.VIEWER: "sees servers and what they recorded",
    User.Role.OPERATOR: "starts, stops and sends too",
    User.Role.ADMIN: "configures, and cares for users, keys and certificates too",
}


@require_http_methods(["GET", "HEAD", "POST"])
@require("users.see", post="users.change", verbs=VERBS)
def users(request: HttpRequest) -> HttpResponse:
    """The list; a POST carries out `verb`."""
    if request.method != "POST":
        return _show(request)
    verb = request.POST.get("verb", "")
    if verb == "invite":
        return _invite(request)
    if verb not in DONE:
        raise RequestRefused("Nothing like that can be done here: load the page again.", field="verb")
    try:
        messages.success(request, DONE[verb](request, request.POST.get("name", "")))
    except SockpanelError as error:
        messages.error(request, error.message)
    return own.leave(request) or HttpResponseRedirect(reverse("users"))


def _invite(request: HttpRequest) -> HttpResponse:
    role, name = request.POST.get("role", ""), request.POST.get("name", "").strip()
    try:
        token = invitations.make(role, who(request), name)
    except ConfigurationRefused as error:
        return _show(request, problems=error.problems, status=422)
    return _show(request, made=made(request, token, role, name))


def made(request: HttpRequest, token: str, role: str, name: str) -> dict[str, str]:
    """What is told of a new invitation, once."""
    return {"link": f"{request.build_absolute_uri(reverse('invite'))}#token={token}", "role": role, "name": name}


def _change_role(request: HttpRequest, name: str) -> str:
    user = people.change_role(name, request.POST.get("role", ""), who(request))
    return f"{name} is {_article(user.role)} now."


def _disable(request: HttpRequest, name: str) -> str:
    people.disable(name, who(request))
    return f"{name} is let in no more, and signed out everywhere."


def _enable(request: HttpRequest, name: str) -> str:
    people.enable(name, who(request))
    return f"{name} may sign in again, with the same password and tokens."


def _sign_out(request: HttpRequest, name: str) -> str:
    count = people.end_sessions(name, who(request))
    return f"{name} is signed out of {count} browser{'' if count == 1 else 's'}. Tokens go on."


def _take_back(request: HttpRequest, name: str) -> str:
    number = request.POST.get("number", "")
    invitations.take_back(
        int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0, who(request)
    )
    return "The invitation is taken back: its link opens nothing."


DONE: dict[str, Callable[[HttpRequest, str], str]] = {
    "role": _change_role,
    "disable": _disable,
    "enable": _enable,
    "sign-out": _sign_out,
    "uninvite": _take_back,
}


def _article(role: str) -> str:
    return f"{'a' if role == User.Role.VIEWER else 'an'} {role}"


def _show(
    request: HttpRequest,
    *,
    problems: dict[str, str] | None = None,
    made: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "people": [row(user, request.user) for user in counted()],
        "invitations": [told(one) for one in invitations.open_ones()],
        "roles": ROLES.items(),
        "sent": {name: request.POST.get(name, "") for name in ("name", "role")} if problems else {"role": "viewer"},
        "problems": problems or {},
        "made": made,
    }
    return page(request, "users", context, status)


def counted() -> Any:
    """Everybody, with how many sessions and tokens they have, and when they were last seen."""
    lives = Q(sessions__expire_date__gt=timezone.now())
    return User.objects.order_by("username").annotate(
        open_sessions=Count("sessions", filter=lives, distinct=True),
        tokens_count=Count("tokens", distinct=True),
        seen_at=Max("sessions__seen_at"),
    )


def row(user: Any, reader: object) -> dict[str, Any]:
    """Somebody as the list shows them."""
    last = people.is_last_admin(user)
    seen = max((at for at in (user.seen_at, user.last_login) if at), default=None)
    return {
        "name": user.username,
        "role": user.role,
        "is_active": user.is_active,
        "is_reader": user == reader,
        "is_last_admin": last,
        "sessions": user.open_sessions,
        "tokens": user.tokens_count,
        "seen_at": rfc3339(seen),
        "others": [role for role in User.Role if role != user.role],
    }


def told(invitation: Invitation) -> dict[str, Any]:
    """An open invitation as the list shows it."""
    return {
        "number": invitation.pk,
        "name": invitation.name,
        "role": invitation.role,
        "made_by": invitation.made_by,
        "expires_at": rfc3339(invitation.expires_at),
    }
