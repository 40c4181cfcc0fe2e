"""What about a server is made and changed only by who has just shown a password: one that runs commands, or lets in more than before.

configuring.check(request, words, server)    # raises ConfirmationNeeded, or NotAllowed
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpRequest

from services import configuration, widening
from services.errors import SockpanelError
from services.models import Server
from sockpanel.accounts import access, commanding, wording


def check(request: HttpRequest, words: Mapping[str, Any], server: Server | None = None) -> None:
    """Nothing, unless these words need the password."""
    commanding.check(request, words, server)
    if doing := _wider(words, server):
        access.check(request, "servers.widen", doing)


def _wider(words: Mapping[str, Any], server: Server | None) -> str:
    """What lets more in, in words. Words that make no sense let in nothing: they are refused, and change nothing."""
    name = server.name if server else str(words.get("name", ""))
    try:
        before = configuration.fields_of(server) if server else widening.FRESH
        after = configuration.changed(server, words) if server else configuration.complete(words)
        return wording.widening(widening.reasons(before, after), after, name)
    except SockpanelError:
        return ""
    except msgspec.ValidationError:  # the row came from elsewhere: nobody knows how much it let in
        return wording.widening(["limits"], {}, name)
