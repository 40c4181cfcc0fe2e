"""What surrounds every page: who looks and what they may, what is wrong at present, where one goes after a POST."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from services import trouble
from services.models import Command
from services.remote import standing, switch
from sockpanel.accounts import access
from sockpanel.pages.states import STARTABLE, STATES, STOPPABLE

SECTIONS = {  # the rest: servers
    "certificates": "certificates",
    "client": "client",
    "commands": "commands",
    "command": "commands",
    "keys": "commands",
    "users": "users",
    "account": "account",
    "activity": "activity",
}
SETTLE = 5.0  # seconds that a form's answer waits for a start or stop


def page(request: HttpRequest, word: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The page named `word` (its template is `word.html`) inside of the frame."""
    frame = {
        "word": word,
        "section": SECTIONS.get(word, "servers"),
        "states": STATES,
        "startable": STARTABLE,
        "stoppable": STOPPABLE,
        "trouble": " ".join(one.sentence for one in trouble.current()),
        "may_operate": may(request, "servers.start"),
        "may_configure": may(request, "servers.change"),
        "may_see_users": may(request, "users.see"),
        "may_audit": may(request, "audit.see"),
        "remote": remote(request),
    }
    return render(request, f"{word}.html", frame | context, status=status)


def remote(request: HttpRequest) -> dict[str, Any]:
    """Whether the Commands page is on offer, and which servers let commands in now: everybody is told of those."""
    running = [{"name": name, "shell": shell} for name, shell, _ in standing.running()]
    is_shown = may(request, "commands.see") and (switch.is_on() or Command.objects.exists())
    return {"standing": running, "names": " ".join(str(one["name"]) for one in running), "is_shown": is_shown}


def may(request: HttpRequest, deed: str) -> bool:
    """Whether the person's role includes the deed."""
    return access.may(request.user, deed)


def rank(request: HttpRequest) -> str:
    """The role that counts for this request."""
    return access.allowed(request.user, "servers.see").rank


def who(request: HttpRequest) -> str:
    """The name that goes with what is done."""
    return str(request.user.get_username())


def back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the page that the form stood on (its field `next`), when that is one of ours."""
    target = request.POST.get("next", "")
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return HttpResponseRedirect(target if ours else otherwise)
