"""What is about to be done, in words, where it needs the password again: one table, so that nobody confirms what cannot be read.

wording.of("users.change", request)                        # "give grace the role admin"
wording.widening(["host"], {"host": "0.0.0.0", ...}, "lab")     # "let other machines reach the server lab at 0.0.0.0"

A page's form says by its field `verb` more than the deed does. What people typed is cut off, and made visible by who shows it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest

from sockpanel import problems

LONGEST = 64  # characters of each value that is told
# deed -> words after "you are about to"; a test holds that none is missing
WORDS = {
    "servers.command": "make or change a server that runs commands on this machine",
    "servers.widen": "save a server with its address and its limits",
    "keys.change": "register or change a key that lets somebody run commands",
    "tokens.create": "make a token, by which a script is let in as you",
    "users.change": "change who may do what in this panel",
    "tls.change": "change certificates or their private keys",
}
# the same, by the field `verb` of a page's form and with other fields of it
VERBS = {
    "users.change": {
        "invite": "let somebody in who becomes {role}",
        "role": "give {name} the role {role}",
        "disable": "let {name} in no more",
        "enable": "let {name} in again",
    },
    "keys.change": {
        "create": "register the key {name}, which lets somebody run commands",
        "change": "change the key {name}, which lets somebody run commands",
    },
    "tokens.create": {"token": "make a token with the role {scope}, by which a script is let in as you"},
    "tls.change": {
        "create": "make or keep the certificate {name}",
        "renew": "renew the certificate {name}",
        "remove": "remove the certificate {name}",
        "client": "make a certificate for the client {name}",
        "authority": "make this panel's authority anew: clients must then trust the new one",
    },
}
# field that lets more in (services.widening), or the part it is of -> words
WIDER = {
    "host": "let other machines reach {it} at {host}",
    "framing.max_bytes": "let longer frames into {it}",
    "limits.allow": "let more networks into {it} (allow)",
    "limits.deny": "keep fewer networks out of {it} (deny)",
    "limits.trusted": "trust more networks at {it} (trusted)",
    "limits": "raise limits of {it}{which}",
    "tls": "protect {it} less by TLS{which}",
}


def of(deed: str, request: HttpRequest) -> str:
    """The words of a deed; with what a page's form says of it."""
    words = WORDS[deed]
    if problems.wants_json(request):
        return words
    sent = {field: request.POST.get(field, "").strip()[:LONGEST] or "?" for field in ("name", "role", "scope")}
    return VERBS.get(deed, {}).get(request.POST.get("verb", ""), words).format(**sent)


def widening(fields: Iterable[str], after: Mapping[str, Any], name: str) -> str:
    """The words of what lets more into a server, all of it; `after` is its configuration then."""
    parts: dict[str, list[str]] = {}
    for field in fields:
        part, _, which = field.partition(".")
        parts.setdefault(field if field in WIDER else part, []).append(which)
    said = {"it": f"the server {name}"[:LONGEST], "host": str(after.get("host", ""))[:LONGEST]}
    return " and ".join(WIDER[part].format(**said, which=_in_brackets(which)) for part, which in parts.items())


def _in_brackets(names: Iterable[str]) -> str:
    told = ", ".join(filter(None, names))
    return f" ({told})" if told else ""
