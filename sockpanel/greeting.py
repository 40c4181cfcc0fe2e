"""What a start says to the person who started it: where the panel is, and how to get in."""

import os

from django.conf import settings

from services.version import VERSION
from sockpanel import environment, listening, safety
from sockpanel.accounts import setup


def admit_first_admin() -> None:
    """Create the admin that the environment names, when nobody has an account. Raises SettingRefused.

    The password leaves the environment with that: no process started from here needs it.
    """
    username = environment.text("SOCKPANEL_ADMIN_USERNAME")
    setup.unattended(username, os.environ.pop("SOCKPANEL_ADMIN_PASSWORD", ""))
    os.environ.pop("SOCKPANEL_ADMIN_USERNAME", None)


def text() -> str:
    """Address, set-up link while nobody has an account, and what is worth a warning."""
    addresses = listening.addresses()
    lines = ["", f"  Sockpanel {VERSION} is at {addresses[0]}/"]
    lines += [f"                and at {address}/" for address in addresses[1:]]
    if setup.needed():
        lines += ["", "  Create the first account within 30 minutes:", f"  {setup.link(addresses[0])}"]
    lines += ["", f"  Data in {settings.SOCKPANEL_DATA_DIR}. Ctrl-C ends it.", *warnings(), ""]
    return "\n".join(lines)


def warnings() -> list[str]:
    """What an admin should know and may have meant."""
    found = []
    if os.geteuid() == 0:
        found.append("It runs as root: whoever breaks into it owns this machine. A user of its own is safer.")
    if safety.is_plain():
        found.append(
            "Others can reach it without TLS and read passwords on the way: set SOCKPANEL_TLS_CERT and SOCKPANEL_TLS_KEY."
        )
    return [f"  WARNING: {sentence}" for sentence in found]
