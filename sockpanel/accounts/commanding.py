"""A server that runs commands is made and changed only by who has just shown a password.

commanding.check(request, words, server)    # raises ConfirmationNeeded, or NotAllowed
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from services.models import Server
from services.presets import PRESETS
from sockpanel.accounts import access

KIND = "command"


def check(request: HttpRequest, words: Mapping[str, Any], server: Server | None = None) -> None:
    """Nothing, unless these words make a server that runs commands, or alter one."""
    preset = PRESETS.get(str(words.get("preset")))
    kinds = (words.get("kind"), server and server.kind, preset and preset.server["kind"])
    if KIND in kinds:
        access.check(request, "servers.command")
