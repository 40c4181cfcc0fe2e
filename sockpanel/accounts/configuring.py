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
from sockpanel.accounts import access, commanding


def check(request: HttpRequest, words: Mapping[str, Any], server: Server | None = None) -> None:
    """Nothing, unless these words need the password."""
    commanding.check(request, words, server)
    if _reason(words, server):
        access.check(request, "servers.widen")


def _reason(words: Mapping[str, Any], server: Server | None) -> str:
    """The field that lets more in. Words that make no sense have none: they are refused, and change nothing."""
    try:
        if server is None:
            return widening.reason(widening.FRESH, configuration.complete(words))
        return widening.reason(configuration.fields_of(server), configuration.changed(server, words))
    except SockpanelError:
        return ""
    except msgspec.ValidationError:  # the row came from elsewhere: nobody knows how much it let in
        return "limits"
