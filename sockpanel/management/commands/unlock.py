"""`manage.py unlock USER`: somebody may sign in again after too many wrong passwords."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from axes.utils import reset

from services.management.base import SockpanelCommand, who
from sockpanel.accounts import locking


class Command(SockpanelCommand):
    help = "Let somebody sign in again: after 100 wrong passwords in a row an account is locked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")

    def run(self, options: Mapping[str, Any]) -> None:
        was_locked = locking.unlock(options["user"], who())
        reset(username=options["user"])  # who guessed need not wait either
        self.say("Unlocked." if was_locked else "The account was not locked; wrong guesses are forgotten.")
