"""What a start refuses, before any port opens: a panel that others could read along with, or take over.

Who wants one of these all the same says so by name (SOCKPANEL_INSECURE), and is warned at each start. It knows no command.
"""

import re
from collections.abc import Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

from django.conf import settings

from services.errors import UnsafeStart
from sockpanel import environment

# package -> the first version without a fault that a stranger could use against a panel; requirements.in asks for no less
LEAST = {"Django": "5.2.19", "channels": "4.3.2", "daphne": "4.2.3", "Twisted": "24.7.0"}


def check() -> None:
    """Raises UnsafeStart."""
    refuse_debugging()
    refuse_reading_along()
    refuse_old_packages({name: version(name) for name in LEAST})


def is_in_reach() -> bool:
    """Whether other machines can reach the panel's port."""
    return not environment.is_loopback(settings.SOCKPANEL_HOST)


def is_plain() -> bool:
    """Whether passwords could be read on the way to the panel: in reach, without TLS, and behind no proxy that has it."""
    return is_in_reach() and not settings.SOCKPANEL_TLS and not is_behind_tls()


def is_behind_tls() -> bool:
    """Whether a proxy is named, and addresses of it that all begin with https."""
    origins = settings.SOCKPANEL_ORIGINS
    return bool(settings.SOCKPANEL_PROXIES and origins) and all(one.startswith("https:") for one in origins)


def refuse_debugging() -> None:
    if settings.DEBUG and (way := _way_in()):
        raise UnsafeStart(
            f"SOCKPANEL_DEBUG shows everything to everybody, and {way}: "
            "debug on 127.0.0.1 only, without a proxy, or leave SOCKPANEL_DEBUG off."
        )


def _way_in() -> str:
    """How others reach the panel, as half a sentence: at its port, or by what stands before it; "" where nobody does."""
    if is_in_reach():
        return f"the panel would listen on {settings.SOCKPANEL_HOST}"
    if settings.SOCKPANEL_PROXIES:
        return "SOCKPANEL_PROXIES names a proxy, which brings others"
    elsewhere = [one for one in settings.SOCKPANEL_ORIGINS if not _is_here(one)]
    return f"SOCKPANEL_ORIGINS names {elsewhere[0]}, where others are" if elsewhere else ""


def _is_here(origin: str) -> bool:
    """Whether an origin names this machine to itself alone."""
    host = urlsplit(origin).hostname or ""
    try:
        return host == "localhost" or environment.is_loopback(host)
    except ValueError:
        return False


def refuse_reading_along() -> None:
    if is_plain() and not settings.SOCKPANEL_INSECURE:
        raise UnsafeStart(
            f"The panel would listen on {settings.SOCKPANEL_HOST} without TLS, where others can read passwords on the way: "
            "set SOCKPANEL_TLS_CERT and SOCKPANEL_TLS_KEY, or SOCKPANEL_PROXIES and an https address in SOCKPANEL_ORIGINS, "
            "or SOCKPANEL_INSECURE=1 in a network that you trust."
        )


def refuse_old_packages(found: Mapping[str, str]) -> None:
    """`found`: the version of each package of LEAST."""
    for name, least in LEAST.items():
        if _parts(found[name]) < _parts(least):
            raise UnsafeStart(
                f"{name} {found[name]} has known faults that strangers can use: "
                f"{least} or newer is needed; ./run setup brings it."
            )


def _parts(text: str) -> tuple[int, ...]:
    """The numbers of a version; what follows them (rc1) does not count."""
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[a-z+]", text)[0]))
