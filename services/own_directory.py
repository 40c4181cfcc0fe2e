"""The panel's own directory, in which no server gets a socket file: it would stand among databases and keys, and go with the server.

Told when a server is saved. It knows no row.
"""

from pathlib import Path

from django.conf import settings


def objection(transport: str, host: str) -> str | None:
    """Why the UNIX socket of a server may not lie at `host`, wherever links lead."""
    if not transport.startswith("unix") or not host:
        return None
    own = Path(settings.SOCKPANEL_DATA_DIR).resolve()
    if not Path(host).resolve().is_relative_to(own):
        return None
    return f"{host} is in the panel's own directory, {own}: choose a path elsewhere, such as one under /run or /tmp."
