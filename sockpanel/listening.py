"""The panel's own port: opened once, held while web processes come and go, told to people. It knows no Django application.

listening = open_port()                     # or the one that a parent handed down
print(addresses()[0])                       # http://127.0.0.1:8000
"""

import os
import socket
from importlib import import_module
from typing import Any

from django.conf import settings

from services.servers import sockets
from services.servers.spec import ServerSpec
from sockpanel import environment, origins

VARIABLE = "SOCKPANEL_LISTENING"  # a parent's way to tell the descriptor
HAS_PARENT = VARIABLE in os.environ  # `up`, which keeps a supervisor as well


def choose(host: str | None, port: str | None) -> None:
    """Listen elsewhere than the environment says: here, and in processes started from here. Raises SettingRefused."""
    if host is not None:
        settings.SOCKPANEL_HOST = os.environ["SOCKPANEL_HOST"] = environment.as_address("--host", host)
    if port is not None:
        settings.SOCKPANEL_PORT = environment.as_port("--port", port)
        os.environ["SOCKPANEL_PORT"] = port


def open_port() -> socket.socket:
    """The listening socket: the parent's where there is one. Raises a BindError whose sentence names who holds the port."""
    descriptor = os.environ.pop(VARIABLE, "")
    if descriptor.isdecimal():
        listening = socket.socket(fileno=int(descriptor))
        listening.set_inheritable(False)
        return listening
    panel = ServerSpec(
        name="sockpanel", kind="tcp", transport="tcp", host=settings.SOCKPANEL_HOST, port=settings.SOCKPANEL_PORT
    )
    return sockets.open_socket(panel)


def certificate() -> Any:
    """The panel's own certificate (sockpanel.panel_tls), None without TLS. Raises SettingRefused when it is none."""
    if settings.SOCKPANEL_TLS is None:
        return None
    return import_module("sockpanel.panel_tls").Certificate(*settings.SOCKPANEL_TLS)  # OpenSSL takes memory


def addresses() -> list[str]:
    """Where a browser finds the panel, the nearest first."""
    scheme = "https" if settings.SOCKPANEL_TLS else "http"
    names = [name for name in origins.machine_names(settings.SOCKPANEL_HOST) if name not in ("localhost", "[::1]")]
    if settings.SOCKPANEL_HOST == "::1":
        names = ["[::1]"]
    return [origins.origin(scheme, name, settings.SOCKPANEL_PORT) for name in dict.fromkeys(names)]
