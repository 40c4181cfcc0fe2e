"""The keys that remote-command servers let in: listed, registered, made, restricted, revoked. For admins.

A private key that is made here is shown in the answer to that one POST, and nowhere else.
"""

import base64
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services.errors import KeyRefused
from services.models import Key, Server
from services.remote import files, reach, standing
from services.remote import keys as store
from sockpanel.accounts.access import require
from sockpanel.pages.frame import page, who

LASTS = timedelta(days=90)  # what the form proposes


class Input(NamedTuple):
    """An input of the form."""

    name: str
    label: str
    sort: str = "text"  # text, long, date or switch
    help: str = ""
    placeholder: str = ""
    value: Any = ""
    problem: str = ""

    @property
    def type(self) -> str:
        return "date" if self.sort == "date" else "text"


INPUTS = (
    Input("name", "Name", help="Small letters, digits, - and _: it stands in the history.", placeholder="lab-laptop"),
    Input(
        "public",
        "Public key",
        "long",
        "An OpenSSH line, PEM, or 64 hex digits; Ed25519. `ssh-keygen -t ed25519` makes one.",
        "ssh-ed25519 AAAA… ada@laptop",
    ),
    Input("owner", "Owner", help="Whose it is; for people to read."),
    Input("servers", "Only on these servers", help="Their names, with commas or blanks between. Empty: all of them."),
    Input("commands", "Only these commands", help="Ids of allow-lists. Empty: whatever the server allows."),
    Input(
        "sources",
        "Only from these networks",
        help="Addresses or networks. Empty: from anywhere.",
        placeholder="192.0.2.0/24",
    ),
    Input("expires_at", "Ends on", "date", "The first day, in UTC, on which it is let in no more. Empty: never."),
    Input("shell", "May use the shell of servers that have one", "switch", "Any program, any file that the commands' user may touch."),
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@require("keys.see", post="keys.change", verbs={"revoke": "keys.revoke"})
def keys(request: HttpRequest) -> HttpResponse:
    """The list and the form; `?change=NAME` fills the form from a key. A POST carries out `verb`."""
    if request.method == "POST":
        return _act(request)
    changing = next((key for key in store.listed() if key.name == request.GET.get("change")), None)
    values = _values_of(changing) if changing else _proposed()
    return _show(request, values, changing=changing.name if changing else "")


def _act(request: HttpRequest) -> HttpResponse:
    verb, name = request.POST.get("verb", ""), request.POST.get("name", "").strip()
    try:
        made = _carry_out(request, verb, name)
    except KeyRefused as error:
        if verb != "revoke":
            changing = name if verb == "change" else ""
            return _show(request, request.POST.dict(), changing=changing, problem=error, status=422)
        messages.error(request, error.message)
    else:
        if made:
            return _show(request, _proposed(), made=made)
    return HttpResponseRedirect(reverse("keys"))


def _carry_out(request: HttpRequest, verb: str, name: str) -> dict[str, Any] | None:
    """What must be shown at once, because it cannot be shown again. Raises KeyRefused."""
    done = {"revoke": "revoked", "change": "saved", "create": "registered"}
    if verb == "create" and request.POST.get("how") == "generate":
        return _made(*store.generate(words(request.POST), who(request)))
    if verb == "revoke":
        store.revoke(name, who(request))
    elif verb == "change":
        store.change(name, words(request.POST), who(request))
    elif verb == "create":
        store.create(words(request.POST), who(request))
    if verb in done:
        messages.success(request, f"{name} is {done[verb]}.")
    return None


def words(post: Mapping[str, str]) -> dict[str, Any]:
    """The words of a key, as `services.remote.keys` takes them."""
    found: dict[str, Any] = {"owner": post.get("owner", "").strip(), "shell": "shell" in post}
    found |= {name: post.get(name, "").replace(",", " ").split() for name in ("servers", "sources")}
    found["commands"] = post.get("commands", "").replace(",", " ").split() or None
    day = post.get("expires_at", "").strip()
    found["expires_at"] = f"{day}T00:00:00Z" if day else None
    if post.get("verb") != "change":
        found["name"] = post.get("name", "").strip()
        if post.get("how") != "generate":
            found["public"] = post.get("public", "").strip()
    return found


def _values_of(key: Key) -> dict[str, Any]:
    return {
        "owner": key.owner,
        "servers": ", ".join(key.servers),
        "commands": ", ".join(key.commands or ()),
        "sources": ", ".join(key.sources),
        "expires_at": key.expires_at.astimezone(UTC).date().isoformat() if key.expires_at else "",
        "shell": key.shell,
    }


def _proposed() -> dict[str, Any]:
    """What an empty form begins with."""
    return {"expires_at": (datetime.now(UTC) + LASTS).date().isoformat()}


def _made(key: Key, private: str) -> dict[str, Any]:
    file = f"{key.name}.key"
    host, port, public = _somewhere(key)
    line = ["manage.py", "client", "command", host, port, "--key", file, "--server-key", public, "--", "uname", "-a"]
    return {
        "key": key,
        "private": private,
        "base64": base64.b64encode(private.encode()).decode(),
        "line": f"chmod 600 {shlex.quote(file)} && {shlex.join(line)}",
    }


def _somewhere(key: Key) -> tuple[str, str, str]:
    """Address, port and public key of a server that the key may be used at; of none yet, the words that stand for them."""
    names = [one.name for one in standing.running() if one.dialect == "frames"]
    for server in Server.objects.filter(name__in=set(key.servers or names) & set(names)).order_by("name")[:1]:
        return server.host, str(server.port), files.server_public(server.pk).hex()
    return "HOST", "PORT", "HEX"


def _show(
    request: HttpRequest,
    values: Mapping[str, Any],
    *,
    changing: str = "",
    problem: KeyRefused | None = None,
    made: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    known = {one.name for one in INPUTS}
    beside = {problem.field: problem.message} if problem and problem.field in known else {}
    public, offers = files.panel_public(), reach.offered()
    context = {
        "keys": [_row(key, offers) for key in store.listed()],
        "fields": [
            one._replace(value=values.get(one.name, ""), problem=beside.get(one.name, ""))
            for one in INPUTS
            if not changing or one.name not in ("name", "public")
        ],
        "values": values,
        "changing": changing,
        "others": [problem.message] if problem and not beside else [],
        "made": made,
        "own": _own(public),
    }
    return page(request, "keys", context, status)


def _own(public: bytes) -> dict[str, str]:
    key = Key(name="sockpanel", public=public.hex())
    return {"text": store.text(key), "hex": public.hex(), "fingerprint": store.fingerprint(key)}


def _row(key: Key, offers: Mapping[str, set[str]]) -> dict[str, Any]:
    """A key as the list shows it."""
    now = datetime.now(UTC)
    is_over = key.expires_at is not None and key.expires_at <= now
    return {
        **{name: getattr(key, name) for name in ("id", "name", "owner", "servers", "commands", "shell", "sources")},
        "number": str(key.pk),  # a template joins texts alone
        "text": store.text(key),
        "fingerprint": store.fingerprint(key),
        **{name: _rfc3339(getattr(key, name)) for name in ("expires_at", "revoked_at", "used_at")},
        "used_from": key.used_from,
        "is_over": is_over,
        "warnings": reach.warnings(key, offers),
        "is_valid": not is_over and key.revoked_at is None,
    }


def _rfc3339(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
