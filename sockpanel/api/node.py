"""What there is before any server: the presets, and the node that the panel runs on."""

import platform
import shutil
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse
from msgspec import to_builtins
from ninja import Router

from services import nodes, trouble
from services.databases import NAMES
from services.remote import standing, switch
from services.version import VERSION
from sockpanel.api import schemas
from sockpanel.api.access import Allowed
from sockpanel.api.body import json
from sockpanel.api.openapi import described

router = Router(tags=["node"])


@router.get("/presets", auth=Allowed("node.see"), **described({200: schemas.Presets}))
def presets(request: HttpRequest) -> HttpResponse:
    """Servers that people know from textbooks, ready to run."""
    return json(
        {
            "presets": [
                {"name": preset.name, "title": preset.title, "explains": preset.explains, "server": preset.server}
                for preset in switch.offered().values()
            ]
        }
    )


@router.get("/node", auth=Allowed("node.see"), **described({200: schemas.NodeState}))
def node(request: HttpRequest) -> HttpResponse:
    """The machine: supervisor, versions, disk, databases."""
    pid = nodes.supervisor_pid(settings.SOCKPANEL_NODE)
    disk = shutil.disk_usage(settings.SOCKPANEL_DATA_DIR)
    return json(
        {
            "name": settings.SOCKPANEL_NODE,
            "supervisor": {"alive": pid is not None, "pid": pid},
            "versions": {"sockpanel": VERSION, "python": platform.python_version(), "django": django.get_version()},
            "disk": {"free": disk.free, "total": disk.total},
            "databases": {name: _database(alias) for alias, name in NAMES.items()},
            "remote_commands": {
                "on": switch.is_on(),
                "running": [{"name": one.name, "shell": one.shell} for one in standing.running()],
            },
            "troubles": [to_builtins(one) for one in trouble.current()],
        }
    )


def _database(alias: str) -> dict[str, Any]:
    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return {"engine": connection.vendor, "answers": False, "bytes": None}
    return {"engine": connection.vendor, "answers": True, "bytes": _size(alias)}


def _size(alias: str) -> int | None:
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    file = Path(str(connection.settings_dict["NAME"]))
    return file.stat().st_size if file.is_file() else None
