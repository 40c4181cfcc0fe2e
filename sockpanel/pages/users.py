"""Everybody who has an account, what may be done about them, and invitations for those who have none. For admins.

The link of an invitation is shown in the answer to the POST that made it, and nowhere else.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services import numbers
from services.errors import ConfigurationRefused, RequestRefused, SockpanelError
from sockpanel.accounts import invitations, own, people, telling
from sockpanel.accounts.access import require
from sockpanel.accounts.models import User
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
    return _show(request, made={"link": invitations.link(request, token), "role": role, "name": name})


def _row(one: dict[str, Any], reader: str, admins: int) -> dict[str, Any]:
    is_last = one["role"] == User.Role.ADMIN and one["active"] and admins == 1
    others = [role for role in User.Role if role != one["role"]]
    return {**one, "is_reader": one["username"] == reader, "is_last_admin": is_last, "others": others}


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
    invitations.take_back(numbers.whole(request.POST.get("number", "")) or 0, who(request))
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
    admins = people.admins()
    context = {
        "people": [_row(one, who(request), admins) for one in telling.everybody()],
        "invitations": [telling.invitation(one) for one in invitations.open_ones()],
        "roles": ROLES.items(),
        "sent": {name: request.POST.get(name, "") for name in ("name", "role")} if problems else {"role": "viewer"},
        "problems": problems or {},
        "made": made,
    }
    return page(request, "users", context, status)
