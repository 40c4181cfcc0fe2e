"""How the command line tells people where servers stand: rows, details, outcomes. It asks nothing of the database."""

from typing import Any

from services import account as accounts
from services import terminal
from services.models import Server, Status
from services.servers.spec import Framing, NoOptions, Part, Reply

WAITING = "messages wait for the database: what came since is counted once they are stored"
GOOD_END = {"broadcast-sender"}  # kinds that may end by themselves at once and have done what was wanted


def overview(found: list[dict[str, Any]]) -> str:
    """SERVER objects as a table."""
    rows = [
        (
            told["name"],
            told["state"],
            told["kind"],
            f"{told['transport']} {told['address']}",
            told["counters"]["connections"],
            told["counters"]["received"],
            told["counters"]["sent"],
            "" if told["state"] == "RUNNING" else told["reason"],
        )
        for told in found
    ]
    return terminal.table(("NAME", "STATE", "KIND", "ADDRESS", "OPEN", "RECEIVED", "SENT", "REASON"), rows)


def details(told: dict[str, Any], is_storing: bool = True) -> str:
    """One SERVER object, a line for each thing. `is_storing`: its messages are stored as they come."""
    counters = told["counters"]
    account = accounts.of(counters)
    lines = {
        "state": f"{told['state']} since {told['since']}" + (f": {told['reason']}" if told["reason"] else ""),
        "kind": told["kind"],
        "address": f"{told['transport']} {told['address']}" + (f" (pid {told['pid']})" if told["pid"] else ""),
        "framing": _part(told["framing"], Framing()),
        "reply": _part(told["reply"], Reply()),
        "options": _part(told["options"], NoOptions()),
        "restart": told["restart"] + (", starts with Sockpanel" if told["autostart"] else ""),
        "connections": f"{counters['connections']:,} open",
        "received": _direction(account.incoming),
        "sent": _direction(account.outgoing),
        "account": _balance(account) if is_storing else WAITING,
        "refused": _refused(account.refused),
        "notes": told["notes"],
        "warning": " ".join(told["warnings"]),
    }
    body = [f"  {name:<12} {terminal.plain(text)}" for name, text in lines.items() if text]
    return "\n".join([terminal.plain(told["name"]), *body])


def _balance(account: accounts.Account) -> str:
    return "every message is accounted for" if account.balances else _open(account)


def _part(words: dict[str, Any], usual: Part) -> str:
    """A framing, reply or options as `--set` takes them: the type, and what is not as usual."""
    return ", ".join(
        f"{name}={value}" for name, value in words.items() if name == "type" or value != getattr(usual, name, None)
    )


def _direction(side: accounts.Direction) -> str:
    lost = "".join(f", {loss.messages:,} dropped ({loss.reason})" for loss in side.losses)
    lost_bytes = f", {side.dropped_bytes:,} dropped" if side.dropped_bytes else ""
    return (
        f"{side.messages:,} messages, {side.stored:,} stored{lost}; "
        f"{side.bytes:,} bytes, {side.stored_bytes:,} stored{lost_bytes}"
    )


def _open(account: accounts.Account) -> str:
    sides = (account.incoming, account.outgoing)
    messages, size = sum(side.open for side in sides), sum(side.open_bytes for side in sides)
    return f"{messages:,} messages ({size:,} bytes) are on their way to the database: look again"


def _refused(refused: dict[str, int]) -> str:
    return ", ".join(f"{number:,} connections ({rule})" for rule, number in sorted(refused.items()))


def incidents(found: list[dict[str, Any]]) -> str:
    """Incidents as a table; "" for none."""
    rows = [(told["at"], told["rule"], told["count"], told["what"]) for told in found]
    return terminal.table(("AT", "RULE", "TIMES", "WHAT"), rows) if rows else ""


def outcome(server: Server, status: Status | None) -> str:
    """A line on a server that is where it should be."""
    state = status.state if status else "STOPPED"
    where = f" on {server.transport} {status.address}" if status and state == "RUNNING" and status.address else ""
    return f"{server.name}: {state}{where}"


def failure(server: Server, status: Status | None, good: frozenset[str], wait: float) -> str:
    """Why a server is not in one of the `good` states, as a line; "" when it is."""
    state = status.state if status else ""
    if state in good or (state == "EXITED" and server.kind in GOOD_END):
        return ""
    if not status:
        return f"{server.name}: it has not settled within {wait:.0f} s; look again: servers status {server.name}"
    return f"{server.name}: {state}: {status.reason}" if status.reason else f"{server.name}: {state}"
