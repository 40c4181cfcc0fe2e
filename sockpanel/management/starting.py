"""The base of the commands that bring the panel up: a failure is one line on stderr, and an exit code that tells a parent its kind."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from services.errors import AlreadySupervised, BindError, DatabaseDamaged, SettingRefused, SockpanelError
from services.management.base import SockpanelCommand

# What a restart cannot help (sysexits.h); parent.FINAL knows the same
CODES: dict[type[SockpanelError], int] = {
    AlreadySupervised: os.EX_TEMPFAIL,
    BindError: os.EX_UNAVAILABLE,
    DatabaseDamaged: os.EX_CONFIG,
    SettingRefused: os.EX_CONFIG,
}


def code_of(error: SockpanelError) -> int:
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), 1)


class StartingCommand(SockpanelCommand):
    """Makes and migrates the databases itself."""

    needs_databases = False

    def _run(self, options: Mapping[str, Any]) -> None:
        try:
            super()._run(options)
        except tuple(CODES) as error:
            self.stderr.write(error.message)
            sys.exit(code_of(error))
