"""`remote_commands on|off|status`: whether this panel runs commands for people at all. It is switched on its own machine only."""

import argparse
from collections.abc import Mapping
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import CommandParser

from services import terminal
from services.management.base import SockpanelCommand, who
from services.models import Switch
from services.remote import standing, switch

WHAT = {
    "on": "allow servers of kind command: they may be made and started",
    "off": "end every one that runs, and what it runs, within seconds",
    "status": "say whether they are on, and which run",
}
EPILOG = """They are off too while the environment holds SOCKPANEL_REMOTE_COMMANDS=off, and while there is a file remote_commands.off
in the data directory, whatever was said here. `off` waits until nothing runs any more; what should run is stored, and runs
again after `on`."""
ON = """Remote commands are on. Make a server of the preset `command` in the panel, start it, and open the page Commands.
Who may run what is said by its allow-list and by the keys; `manage.py remote_commands off` ends all of it."""
OFF = "Remote commands are off, and no server that runs them is left."
END_WITHIN = 10.0  # seconds for what runs to end


class Command(SockpanelCommand):
    help = "Switch remote commands on or off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EPILOG
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="|".join(WHAT))
        for verb, what in WHAT.items():
            _add_json(verbs.add_parser(verb, help=what, description=f"{what[0].upper()}{what[1:]}."))

    def run(self, options: Mapping[str, Any]) -> None:
        """Exit code 1 when they are not as they were asked to be."""
        failure = ""
        if options["verb"] == "on":
            switch.turn_on(who())
            failure = switch.objection()
        elif options["verb"] == "off":
            switch.turn_off(who())
            failure = _still(async_to_sync(standing.ended)(END_WITHIN))
        if options["json"]:
            self.say(terminal.as_json(_state(switch.objection())))
        elif options["verb"] == "status":
            self._tell(switch.objection())
        elif not failure:
            self.say(ON if options["verb"] == "on" else OFF)
        if failure:
            self.fail(failure)

    def _tell(self, why: str) -> None:
        self.say(why or "Remote commands are on.")
        row = Switch.objects.filter(pk=switch.NAME).first()
        if row:
            turned = "on" if row.on else "off"
            self.say(
                f"Last switched {turned} by {terminal.plain(row.changed_by)}, {row.changed_at:%Y-%m-%d %H:%M:%S} UTC."
            )
        for server in standing.running():
            self.say(f"{server.name} runs{', with a free command line' if server.shell else ''}.")


def _still(left: list[standing.Standing]) -> str:
    names = ", ".join(server.name for server in left)
    return f"Remote commands are off, but {names} runs still: look at the supervisor's log." if names else ""


def _state(why: str) -> dict[str, Any]:
    return {"on": not why, "reason": why, "running": [server._asdict() for server in standing.running()]}


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
