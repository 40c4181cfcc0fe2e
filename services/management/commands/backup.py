"""`backup [TARGET]`: both databases as one file, while everything runs."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from services import audit, backup, terminal
from services.management.base import SockpanelCommand, who
from services.storage.places import mebibytes

EPILOG = """Without TARGET it goes to backups/ in the data directory. Nobody waits for it: each database is copied as it is at one
moment, and the copy is read whole before the file gets its name; it is never half there.

It holds no secret that could be used: passwords and tokens are hashes, nobody is signed in, and the secret key and private keys are
files of the data directory that stay behind. Keep a copy of those apart, in a safe place. It does hold every message and every name.

`restore FILE` puts it back."""


class Command(SockpanelCommand):
    help = "Copy both databases into one file, while everything runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        parser.add_argument(
            "target", nargs="?", type=Path, help="a file that is not there yet (.tar, .tar.gz), or a folder"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(self, options: Mapping[str, Any]) -> None:
        audit.record("backup", who(), what=str(options["target"] or "backups/ in the data directory"))
        made = backup.make(options["target"])
        if options["json"]:
            told = {"path": str(made.path), "bytes": made.path.stat().st_size}
            self.say(terminal.as_json(told | msgspec.to_builtins(made.manifest)))
            return
        for name, kept in made.manifest.databases.items():
            self.warn(f"{name}: {mebibytes(kept.bytes)}, verified.")
        self.warn(f"Not inside: {', '.join(made.manifest.left_out)}.")
        self.say(str(made.path))
