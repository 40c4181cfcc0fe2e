"""Django's SQLite backend, which makes new files so that pages can be given back to the disk (auto_vacuum).

That has to be said before anything else, and in a new file only: said to a file that is there it is a write, which costs a flush of
the disk at every connection, and fails on a full one.
"""

from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

NEW_FILE = "PRAGMA auto_vacuum=INCREMENTAL"


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection."""

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        file = Path(self.settings_dict["NAME"])
        if not file.is_file() or not file.stat().st_size:
            self.init_commands: list[str] = [NEW_FILE, *self.init_commands]
        return parameters
