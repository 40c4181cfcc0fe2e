"""What came of a command, as the pages show it: its word, its icon and its tone. static/js/commands/outcome.js says the same."""

from collections.abc import Mapping
from typing import Any

from sockpanel.pages.states import Shown

BUSY = {"waiting": Shown("asked for", "hourglass-split", "idle"), "running": Shown("runs", "play-circle-fill", "warn")}


def outcome(command: Mapping[str, Any]) -> Shown:
    """Of a COMMAND, or of an execution (which has no state: it runs until it has ended)."""
    state = command.get("state") or ("done" if command["ended_at"] else "running")
    if state in BUSY:
        return BUSY[state]
    code, signal, why = command["exit_code"], command["signal"], command["why"]
    if state == "done" and code == 0:
        return Shown("exit 0", "check-circle-fill", "good")
    return Shown(_word(state, code, signal, why), "x-octagon-fill", "bad")


def _word(state: str, code: int | None, signal: int | None, why: str) -> str:
    if state == "failed":
        return "failed"
    if signal:
        return f"ended: {why}" if why else f"signal {signal}"
    return "ended" if code is None else f"exit {code}"
