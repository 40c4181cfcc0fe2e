"""Who did what, when and from where: the audit as a page, with filters, and a server's earlier configurations. It changes nothing."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from services import numbers
from services.audit import entries
from services.models import AuditEntry, Server
from sockpanel.accounts.access import require
from sockpanel.pages.frame import page

ROWS = 100
DAY = 86_400 * 1_000_000  # microseconds
FILTERS = ("who", "verb", "server", "since", "until", "refused")
# verb -> what the page says; any other stands as it is
WORDS = {
    "server.create": "made the server",
    "server.change": "changed",
    "server.restore": "gave an earlier configuration back to",
    "server.remove": "removed the server",
    "server.start": "started",
    "server.stop": "stopped",
    "server.restart": "restarted",
    "server.prune": "removed messages of",
    "server.prune.failed": "could not remove messages of",
    "send": "sent bytes",
    "send.failed": "could not send",
    "connection.close": "closed a connection",
    "connection.close.failed": "could not close a connection",
    "client": "sent bytes as a client",
    "client.failed": "reached nobody as a client",
    "command.run": "asked for a command",
    "remote-commands.on": "switched remote commands on",
    "remote-commands.off": "switched remote commands off",
    "refused": "was refused",
    "sign-in": "signed in",
    "sign-in.refused": "was not signed in",
    "sign-out": "signed out",
    "set-up": "set the panel up",
    "session.end": "ended a session",
    "session.exposed": "had a session's cookie come to a server",
    "token.create": "made a token",
    "token.revoke": "revoked a token",
    "token.exposed": "had a token come to a server",
    "user.invite": "invited",
    "user.uninvite": "took back the invitation of",
    "user.join": "joined",
    "user.add": "made the account of",
    "user.change": "changed the account of",
    "user.delete": "removed the account of",
    "user.link": "made a link",
    "user.role": "changed the role of",
    "user.disable": "disabled",
    "user.enable": "enabled",
    "user.sign-out": "ended all sessions of",
    "user.password": "chose a new password",
    "account.lock": "was locked",
    "account.unlock": "unlocked",
    "key.create": "registered a key",
    "key.change": "changed a key",
    "key.revoke": "revoked a key",
    "tls.change": "changed certificates",
    "audit.cut": "cut the audit",
    "supervisor.start": "the supervisor started",
    "clock.step": "the clock was set",
    "backup": "made a backup",
    "restore": "restored a backup",
}


@require_safe
@require("audit.see")
def activity(request: HttpRequest) -> HttpResponse:
    """The newest hundred that fit; `before` pages."""
    chosen = {name: request.GET.get(name, "").strip() for name in FILTERS}
    found, more = entries.listed(_wanted(chosen, request.GET))
    rows = [shown(entry) for entry in found]
    older = urlencode({**chosen, "before": entries.next_before(rows)}) if more else ""
    here = set(Server.objects.filter(name__in={row["server"] for row in rows}).values_list("name", flat=True))
    context = {
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "rows": [row | {"is_here": row["server"] in here} for row in rows],
        "people": entries.names("who"),
        "verbs": _verbs(),
        "servers": entries.names("server"),
        "older": older,
    }
    return page(request, "activity", context)


def _wanted(chosen: dict[str, str], query: QueryDict) -> entries.Filter:
    until = _day(chosen["until"])
    return entries.Filter(
        before=numbers.whole(query.get("before", "")),
        limit=ROWS,
        who=chosen["who"],
        verb=chosen["verb"],
        server=chosen["server"],
        refused=bool(chosen["refused"]),
        since=_day(chosen["since"]),
        until=None if until is None else until + DAY - 1,
    )


def _day(text: str) -> int | None:
    """The beginning of a day (UTC); what is no day is no condition."""
    if not text.isascii():
        return None
    try:
        return round(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1_000_000)
    except ValueError:
        return None


def _verbs() -> list[str]:
    """Those that stand there, and before each family its common beginning."""
    found = entries.names("verb")
    families = {verb.partition(".")[0] for verb in found}
    return sorted({*found, *families})


def shown(entry: AuditEntry) -> dict[str, Any]:
    """An ENTRY as the pages show it."""
    told = entries.told(entry)
    configuration = told["configuration"] and msgspec.json.format(msgspec.json.encode(told["configuration"])).decode()
    return {
        **told,
        "words": WORDS.get(told["verb"], told["verb"]),
        "changes": entries.changes(told),
        "all": "" if told["new"] else configuration or "",
        "more_bytes": told["size"] - len(told["data"]),
    }


def configurations(server: Server) -> list[dict[str, Any]]:
    """What a server was configured as, newest first: the first is what it is."""
    return [shown(entry) for entry in entries.configurations_of(server)]
