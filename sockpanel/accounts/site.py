"""Django's admin, behind the table of permissions: each of its pages is a deed there. For people who have signed in, not for tokens.

A page that is not in the table below is refused, so whoever registers a model adds its pages here.
"""

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import reverse

from services import numbers
from services.errors import RequestRefused
from services.models import Server
from sockpanel.accounts import access, commanding

View = Callable[..., HttpResponseBase]

logger = logging.getLogger(__name__)


class Page(NamedTuple):
    """The deeds of one page: to look, and to send its form; of a list, by the action that is chosen there."""

    see: str
    do: str = ""
    actions: Mapping[str, str] = {}

    @property
    def deeds(self) -> set[str]:
        return {self.see, *([self.do] if self.do else ()), *self.actions.values()}


ADMIN = Page("admin.see")
SERVERS = {
    "start": "servers.start",
    "stop": "servers.stop",
    "restart": "servers.restart",
    "delete_selected": "servers.delete",
}
PAGES = {
    **dict.fromkeys(("index", "app_list", "jsi18n", "autocomplete", "view_on_site", "password_change_done"), ADMIN),
    "password_change": Page("account.see", "account.see"),
    "accounts_user_changelist": Page("users.see", "users.change", {"delete_selected": "users.change"}),
    "accounts_user_history": Page("users.see"),
    **dict.fromkeys(
        ("accounts_user_add", "accounts_user_change", "accounts_user_delete", "auth_user_password_change"),
        Page("users.see", "users.change"),
    ),
    "services_server_changelist": Page("servers.see", actions=SERVERS),
    "services_server_history": Page("servers.see"),
    # These forms always bring the address and all limits: so whoever sends one is asked for the password
    "services_server_add": Page("servers.create", "servers.widen"),
    "services_server_change": Page("servers.see", "servers.widen"),
    "services_server_delete": Page("servers.see", "servers.delete"),
}


class Site(AdminSite):
    """Django's own, with our guard before each page."""

    def has_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, "admin.see")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Where guesses are throttled, and a change is written into the audit."""
        return HttpResponseRedirect(reverse("account"))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return super().admin_view(_guarded(view), cacheable)


def _guarded(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        match = request.resolver_match
        access.check(request, deed_of(request, (match and match.url_name) or ""))
        _require_digits(request, kwargs)
        if (request.POST.get("kind") or kwargs.get("object_id")) and request.method == "POST":
            commanding.check(request, request.POST, _server(request, kwargs.get("object_id")))
        with _refusing_nonsense():
            return _made(view(request, *args, **kwargs))

    return guarded


@contextmanager
def _refusing_nonsense() -> Iterator[None]:
    """Django's fields and lookups hand on what no column, date or text can hold; it raises where it is used, and nothing is saved.

    Raises RequestRefused. It may have been a mistake of ours, so the place is logged; not the sentence, which may hold what was sent.
    """
    try:
        yield
    except (ValueError, OverflowError, DataError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        logger.warning(
            "Django's admin was sent a value that it cannot use: %s in %s.", type(error).__name__, place.name
        )
        raise RequestRefused(
            "A value is too large for its field, or holds what no text may: go back and write it otherwise."
        ) from error


def _made(response: HttpResponseBase) -> HttpResponseBase:
    """The page itself, which Django would make only once nobody looks: lists are read, and values shown again, while it is made."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response


def _require_digits(request: HttpRequest, gaps: Mapping[str, Any]) -> None:
    """Django takes `1_0` and ` 10` for 10, too: what is asked about the one with this number would not be asked. Raises Http404."""
    named = [gaps[name] for name in ("object_id", "id") if name in gaps]
    for number in named + request.POST.getlist("_selected_action"):
        if numbers.whole(number) is None:
            raise Http404("Nothing here has a number that is not written in digits.")


def deed_of(request: HttpRequest, page: str) -> str:
    """Raises PermissionDenied for what is in no table."""
    found = PAGES.get(page, ADMIN if request.method in access.SAFE and not page else None)
    if found is None:
        raise PermissionDenied("This page of the admin is in no table of permissions, so nobody may open it.")
    if request.method in access.SAFE:
        return found.see
    deed = found.actions.get(request.POST.get("action", ""), found.do)
    if not deed:
        raise PermissionDenied("Nothing of that sort can be done here: load the page again.")
    return deed


def _server(request: HttpRequest, key: str | None) -> Server | None:
    match = request.resolver_match
    is_server = match is not None and (match.url_name or "").startswith("services_server_")
    number = numbers.whole(key or "")
    return Server.objects.filter(pk=number).first() if is_server and number is not None else None
