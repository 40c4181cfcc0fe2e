"""`restore FILE`: a backup put in the place of both databases, while nothing runs."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from services import restore, terminal
from services.audit import word
from services.errors import RequestRefused
from services.management.base import SockpanelCommand, who
from services.storage.places import mebibytes

EPILOG = """FILE is what `backup` made, or one of the copies that an upgrade leaves in backups/: that one replaces its own database
only. The file is checked whole before anything is touched, and what was there is kept in backups/. Killed at any moment it leaves
the old databases or the new ones; a restore that was begun is completed by the next start. Older databases are upgraded then, too.

Where an older control database does not know servers that have messages, the next start removes those; a copy of them is kept.

Nobody is signed in afterwards, and what should run, as the backup knows it, runs with the next start."""


class Command(SockpanelCommand):
    help = "Put a backup in the place of both databases. Sockpanel must not run."
    needs_databases = False  # they may be damaged, or gone

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.add_argument("file", type=Path, help="what `backup` made")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print one JSON object; needs --yes")

    def run(self, options: Mapping[str, Any]) -> None:
        found = restore.look(options["file"])
        if not options["yes"]:
            if options["json"] or sys.stdin is None or not sys.stdin.isatty():
                raise RequestRefused("Nothing was restored, for nobody can be asked here: add --yes.")
            if not _confirmed(found):
                self.fail("Nothing was restored.")
        done = _restore(options["file"], found)
        aside = str(done.aside) if done.aside else None
        if options["json"]:
            told = {"restored": sorted(found.databases), "made_at": found.made_at, "aside": aside}
            self.say(terminal.as_json(told | {"unknown_servers": done.unknown}))
            return
        self.say(f"Restored {' and '.join(sorted(found.databases))} as of {terminal.plain(found.made_at)}.")
        if aside:
            self.say(f"What was there before is in {aside}.")
        if done.unknown:
            self.warn(
                f"The next start removes the messages of {len(done.unknown)} servers that the restored database does not "
                f"know. They stay in the copy; restore both files of {aside}, one after the other, to have them back."
            )
        self.say("Start Sockpanel as ever; manage.py up does.")


def _restore(file: Path, found: restore.Found) -> restore.Restored:
    """The audit that comes back cannot know of it: the next start writes it there, unless nothing came of it."""
    told = {"who": who(), "file": str(file.absolute()), "made_at": found.made_at, "databases": sorted(found.databases)}
    if "control" not in found.databases:
        return restore.restore(file)
    with word.leaving(settings.SOCKPANEL_DATA_DIR, told) as more:
        done = restore.restore(file)
        more[word.LAST] = done.last_entry
        return done


def _confirmed(found: restore.Found) -> bool:
    what = " and ".join(f"{name} ({mebibytes(size)})" for name, size in sorted(found.databases.items()))
    sys.stdout.write(
        f"Replace the databases in {settings.SOCKPANEL_DATA_DIR} by {what} as of {terminal.plain(found.made_at)}? [y/N] "
    )
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
