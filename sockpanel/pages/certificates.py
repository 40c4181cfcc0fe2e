"""Certificates of servers: listed for everybody; made, uploaded, renewed and removed by admins. Private keys come in and never go out.

A client's certificate that is issued here is shown with its key in the answer to that one POST, and nowhere else.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from services.errors import (
    CertificateInUse,
    CertificateRefused,
    CertificateUnknown,
    CertificateUnusable,
    RequestRefused,
)
from services.models import Certificate
from services.tls import clients, names, own, shelf, store
from services.tls.describe import describe
from sockpanel.accounts.access import require
from sockpanel.pages.frame import may, page, who

FAILURES = (CertificateRefused, CertificateUnknown, CertificateInUse, CertificateUnusable)
SECRET = ("key", "password")  # never shown again
HOWS = {"make": "Made here", "upload": "Brought with its key", "clients": "Authorities of clients"}


class Input(NamedTuple):
    """An input of the form. `hows`: where it has a meaning."""

    name: str
    label: str
    hows: str
    sort: str = "text"  # text, long, pem or password
    help: str = ""
    placeholder: str = ""
    value: str = ""
    problem: str = ""

    @property
    def type(self) -> str:
        return "password" if self.sort == "password" else "text"


INPUTS = (
    Input("name", "Name", "make upload clients", help="Small letters, digits, - and _: servers name it so.", placeholder="lab"),
    Input("names", "For these names", "make", "long", "Host names and addresses that clients use, with blanks or lines between."),
    Input(
        "chain", "Certificates", "upload clients", "pem",
        "PEM. The server's own first, then each one's issuer; or the authorities.", "-----BEGIN CERTIFICATE-----",
    ),
    Input("key", "Private key", "upload", "pem", "PEM. It is kept in a file and shown to nobody.", "-----BEGIN PRIVATE KEY-----"),
    Input("password", "Passphrase of the key", "upload", "password", "Only where the key is encrypted."),
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@require("tls.see", post="tls.change")
def certificates(request: HttpRequest) -> HttpResponse:
    """The list and the form; `?renew=NAME` makes it that of a renewal. A POST carries out `verb`."""
    if request.method == "POST":
        return _act(request)
    renewing = Certificate.objects.filter(name=request.GET.get("renew", "").replace("\0", "")).first()
    return _show(request, _proposed(), renewing=renewing)


@require_safe
@require("tls.see")
def download(request: HttpRequest, name: str) -> HttpResponse:
    """The certificates as a PEM file: what clients must trust, or what a server shows. Never a key."""
    found = shelf.find(name)
    kind = {"Content-Disposition": f'attachment; filename="{found.name}.pem"'}
    return HttpResponse(found.chain, content_type="application/x-pem-file", headers=kind)


def _act(request: HttpRequest) -> HttpResponse:
    verb, name = request.POST.get("verb", ""), request.POST.get("name", "").strip()
    if verb not in _DOES:
        raise RequestRefused(f"{verb[:64]!r} is nothing that can be done here: load the page again.", field="verb")
    try:
        said: str | clients.Issued = _DOES[verb](name, request)
    except FAILURES as error:
        if verb in ("remove", "client", "authority"):
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("certificates"))
        renewing = Certificate.objects.filter(name=name).first() if verb == "renew" else None
        return _show(request, request.POST.dict(), renewing=renewing, problem=error, status=422)
    if isinstance(said, clients.Issued):
        return _show(request, _proposed(), issued=said)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("certificates"))


def _create(name: str, request: HttpRequest) -> str:
    how = request.POST.get("how", "")
    words = {"name": name, **_brought(request.POST, how)}
    if how == "make":
        made = store.make(words, who(request))
        return f"{made.name} is made, for {', '.join(made.names[:5])}."
    made = store.upload({**words, "purpose": "clients" if how == "clients" else "server"}, who(request))
    return f"{made.name} is kept."


def _renew(name: str, request: HttpRequest) -> str:
    how = "upload" if shelf.find(name).purpose == Certificate.Purpose.SERVER else "clients"
    brought = {field: value for field, value in _brought(request.POST, how).items() if value}
    store.renew(name, brought, who(request))
    return f"{name} is renewed: servers that run with it take it up now."


def _remove(name: str, request: HttpRequest) -> str:
    store.remove(name, who(request))
    return f"{name} is removed, and its key."


def _client(name: str, request: HttpRequest) -> clients.Issued:
    return clients.issue(name, who(request))


def _authority(_: str, request: HttpRequest) -> str:
    own.make(_words(request.POST.get("names", "")), who(request))
    return "The authority is new: have clients trust it, then renew what it is to vouch for."


_DOES: dict[str, Callable[[str, HttpRequest], str | clients.Issued]] = {
    "create": _create,
    "renew": _renew,
    "remove": _remove,
    "client": _client,
    "authority": _authority,
}


def _brought(post: Mapping[str, str], how: str) -> dict[str, Any]:
    """The fields that have a meaning for how it is made."""
    if how == "make":
        return {"names": _words(post.get("names", ""))}
    fields = ("chain", "key", "password") if how == "upload" else ("chain",)
    return {field: post.get(field, "") for field in fields}


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _proposed() -> dict[str, str]:
    """What an empty form begins with."""
    return {"how": "make", "names": "\n".join(names.own())}


def _show(
    request: HttpRequest,
    values: Mapping[str, Any],
    *,
    renewing: Certificate | None = None,
    problem: Any = None,
    issued: clients.Issued | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = _inputs(values, problem, renewing)
    is_beside = problem is not None and any(one.name == problem.field for one in shown)
    context = {
        "may_certify": may(request, "tls.change"),
        "certificates": describe(shelf.listed()),
        "fields": shown,
        "hows": [(how, words, how == values.get("how", "make")) for how, words in HOWS.items()],
        "renewing": renewing,
        "others": [problem.message] if problem is not None and not is_beside else [],
        "issued": _once(issued) if issued else None,
        "authority": next(iter(describe(Certificate.objects.filter(name=own.AUTHORITY))), None),
        "beyond": own.beyond(),
    }
    return page(request, "certificates", context, status)


def _inputs(values: Mapping[str, Any], problem: Any, renewing: Certificate | None) -> list[Input]:
    """Those of the form, with what was typed; what a renewal does not need is left out."""
    wanted = "clients" if renewing and renewing.purpose == Certificate.Purpose.CLIENTS else "upload"
    return [
        one._replace(
            value="" if one.name in SECRET else str(values.get(one.name, "")),
            problem=problem.message if problem is not None and problem.field == one.name else "",
        )
        for one in INPUTS
        if renewing is None or (wanted in one.hows and one.name != "name")
    ]


def _once(issued: clients.Issued) -> dict[str, str]:
    text = issued.certificate + issued.key
    return {"name": issued.name, "text": text, "base64": base64.b64encode(text.encode()).decode()}
