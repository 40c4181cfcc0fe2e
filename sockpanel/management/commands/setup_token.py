"""`manage.py setup_token`: a new one-time link to create the first admin, or with --reset to give somebody a new password."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from axes.utils import reset

from services import audit, panel_address
from services.management.base import SockpanelCommand, who
from sockpanel import listening
from sockpanel.accounts import setup


class Command(SockpanelCommand):
    help = "Print a one-time link, good for 30 minutes: to create the first account, or a new password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", metavar="USER", default="", help="a new password for this user")

    def run(self, options: Mapping[str, Any]) -> None:
        panel = panel_address.found()
        address = panel or listening.addresses()[0]
        link = setup.link(address, options["reset"])
        if options["reset"]:
            reset(username=options["reset"])  # wrong guesses are forgotten
            audit.record("user.link", who(), what=f"to choose a new password for {options['reset']}")
        if panel is None:
            self.warn(f"No panel is known to run on this data: the link assumes that it will be at {address}.")
        self.say("Open this link within 30 minutes:")
        self.say(link)
