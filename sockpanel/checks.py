"""System checks of how the panel runs: told by `manage.py check`, those of a deployment by `manage.py check --deploy`."""

import os
from collections.abc import Sequence

from django.apps.config import AppConfig
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register

from services.errors import UnsafeStart
from sockpanel import safety


@register(Tags.security)
def starts(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """What a start would refuse."""
    try:
        safety.check()
    except UnsafeStart as refused:
        return [Error(refused.message, id="sockpanel.E102")]
    return []


@register(Tags.security, deploy=True)
def runs_as_root(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """No more than a word: test machines do little else, and each start warns of it."""
    if os.geteuid() != 0:
        return []
    return [
        Info(
            "Sockpanel runs as root: whoever breaks into it owns this machine.",
            hint="Run it as a user of its own; ports below 1024 need CAP_NET_BIND_SERVICE and nothing else.",
            id="sockpanel.I101",
        )
    ]


@register(Tags.security, deploy=True)
def can_be_read(app_configs: Sequence[AppConfig] | None, **options: object) -> list[CheckMessage]:
    """SOCKPANEL_INSECURE in force."""
    if not safety.is_plain():
        return []
    return [
        Warning(
            "SOCKPANEL_INSECURE lets others read the passwords that people send to the panel.",
            hint="Set SOCKPANEL_TLS_CERT and SOCKPANEL_TLS_KEY.",
            id="sockpanel.W101",
        )
    ]
