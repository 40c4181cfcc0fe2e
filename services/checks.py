"""System checks of what runs: told by `manage.py check` and at the start of the panel. They open no database."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from services.models import MESSAGES
from services.supervisor import lock

# Versions in which two processes that write, and copy the log back, at the same moment cannot damage the file: SQLite's notes on
# the "WAL-reset bug". (first, end): versions from `first` on, up to `end`.
MENDED = (((3, 51, 3), (99,)), ((3, 50, 7), (3, 51)), ((3, 44, 6), (3, 45)))


@register(Tags.database)
def one_writer(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """One supervisor writes the messages. Two of them on one SQLite file need an SQLite that bears it."""
    nodes = supervised(Path(settings.SOCKPANEL_DATA_DIR))
    is_sqlite = connections[MESSAGES].vendor == "sqlite"
    if not is_sqlite or len(nodes) < 2 or is_mended(sqlite3.sqlite_version_info):
        return []
    return [
        Warning(
            f"{len(nodes)} supervisors ({', '.join(nodes)}) write to one messages database with SQLite "
            f"{sqlite3.sqlite_version}, in which that can damage it, if very rarely.",
            hint="Run one supervisor for each data directory, or PostgreSQL, or Python with SQLite 3.51.3 or newer.",
            id="services.W001",
        )
    ]


def supervised(data_dir: Path) -> list[str]:
    """The nodes whose supervisor runs on this data directory."""
    nodes = [path.stem.removeprefix("supervisor-") for path in sorted(data_dir.glob("supervisor-*.lock"))]
    return [node for node in nodes if lock.holder(data_dir, node) is not None]


def is_mended(version: tuple[int, ...]) -> bool:
    return any(first <= version < end for first, end in MENDED)
