"""Whether remote commands are on. They are off until somebody says so on the panel's own machine.

Three things must agree: the switch in the control database, the environment (SOCKPANEL_REMOTE_COMMANDS is not `off`), and that there
is no file `remote_commands.off` in the data directory. It starts and stops nothing: the supervisor looks here.
"""

import os

from django.conf import settings
from django.db import transaction

from services import audit, hints
from services.errors import RemoteCommandsOff
from services.models import Switch
from services.presets import PRESETS, Preset

NAME = "remote_commands"
FILE = "remote_commands.off"
HOW = "Remote commands are off: run `manage.py remote_commands on` on the panel's machine."


def is_on() -> bool:
    return not objection()


def objection() -> str:
    """Why remote commands are off, as a sentence; empty when they are on."""
    return forced_off() or ("" if Switch.objects.filter(pk=NAME, on=True).exists() else HOW)


def forced_off() -> str:
    """The same without a database: what the environment and the data directory say."""
    if settings.SOCKPANEL_REMOTE_COMMANDS == "off":
        return "Remote commands are off: SOCKPANEL_REMOTE_COMMANDS is `off` in the environment of Sockpanel."
    if os.path.lexists(settings.SOCKPANEL_DATA_DIR / FILE):
        return f"Remote commands are off: the data directory holds a file {FILE}; remove it."
    return ""


def require() -> None:
    """Raises RemoteCommandsOff."""
    if why := objection():
        raise RemoteCommandsOff(why)


def turn_on(who: str) -> None:
    _turn(True, who)


def turn_off(who: str) -> None:
    """What runs is ended by the supervisor within seconds."""
    _turn(False, who)


def _turn(on: bool, who: str) -> None:
    with transaction.atomic():
        Switch.objects.update_or_create(pk=NAME, defaults={"on": on, "changed_by": who})
        audit.record(f"remote-commands.{'on' if on else 'off'}", who)
    hints.hint("supervisor")
    hints.hint("panel")


def offered() -> dict[str, Preset]:
    """The presets that may be chosen now."""
    on = is_on()
    return {name: preset for name, preset in PRESETS.items() if on or preset.server["kind"] != "command"}
