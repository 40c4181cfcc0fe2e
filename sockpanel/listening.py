"""The panel's own port: opened once, held while web processes come and go, told to people. It knows no Django application.

Where it is meant for this machine alone it is open at 127.0.0.1 and at ::1, for `localhost` is either: whoever had the other one would
be the panel for a browser. On a machine without IPv6 there is no other one.

listening = open_ports()                    # or those that a parent handed down
print(addresses()[0])                       # http://127.0.0.1:8000
"""

import os
import socket
from importlib import import_module
from typing import Any

from django.conf import settings

from services.errors import AddressFamilyRefused, AddressForeign, AddressInUse
from services.servers import sockets
from services.servers.spec import ServerSpec
from sockpanel import environment, origins, safety

VARIABLE = "SOCKPANEL_LISTENING"  # a parent's way to tell the descriptors
HAS_PARENT = VARIABLE in os.environ  # `up`, which keeps a supervisor as well
# The other address of `localhost`; of 0.0.0.0 as well, which is IPv4 alone
TWINS = {"127.0.0.1": "::1", "::1": "127.0.0.1", "0.0.0.0": "::1"}  # noqa: S104 (it is not chosen here)

_bound: list[str] = []  # the addresses that this process has opened


def choose(host: str | None, port: str | None) -> None:
    """Listen elsewhere than the environment says: here, and in processes started from here. Raises SettingRefused."""
    if host is not None:
        settings.SOCKPANEL_HOST = os.environ["SOCKPANEL_HOST"] = environment.as_address("--host", host)
    if port is not None:
        settings.SOCKPANEL_PORT = environment.as_port("--port", port)
        os.environ["SOCKPANEL_PORT"] = port


def open_ports() -> list[socket.socket]:
    """The listening sockets: the parent's where there is one. Raises a BindError whose sentence names who holds the port."""
    handed = os.environ.pop(VARIABLE, "").split(",")
    found = [_handed(int(each)) for each in handed] if all(map(str.isdecimal, handed)) else _opened()
    _bound[:] = [listening.getsockname()[0] for listening in found]
    return found


def bound() -> list[str]:
    """The addresses that this process listens at; where it opens none itself (another ASGI server does), the one of the setting."""
    return list(_bound) or [settings.SOCKPANEL_HOST]


def _handed(descriptor: int) -> socket.socket:
    listening = socket.socket(fileno=descriptor)
    listening.set_inheritable(False)
    return listening


def _opened() -> list[socket.socket]:
    host = settings.SOCKPANEL_HOST
    first = sockets.open_socket(_panel(host))
    if host not in TWINS:
        return [first]
    try:
        return [first, sockets.open_socket(_panel(TWINS[host]))]
    except (AddressForeign, AddressFamilyRefused):  # the machine has no such address: nobody can listen there
        return [first]
    except AddressInUse as error:
        first.close()
        raise AddressInUse(
            f"{error.message} The panel needs {host} and {TWINS[host]}: browsers take either for localhost."
        ) from None


def _panel(host: str) -> ServerSpec:
    return ServerSpec(name="sockpanel", kind="tcp", transport="tcp", host=host, port=settings.SOCKPANEL_PORT)


def certificate() -> Any:
    """The panel's own certificate (sockpanel.panel_tls), None without TLS. Raises SettingRefused when it is none."""
    if settings.SOCKPANEL_TLS is None:
        return None
    return import_module("sockpanel.panel_tls").Certificate(*settings.SOCKPANEL_TLS)  # OpenSSL takes memory


def addresses() -> list[str]:
    """Where a browser finds the panel, the nearest first."""
    if safety.is_behind_tls() and not settings.SOCKPANEL_TLS:  # here it would only be sent to where the proxy is
        return list(settings.SOCKPANEL_ORIGINS)
    host, tls = settings.SOCKPANEL_HOST, bool(settings.SOCKPANEL_TLS)
    names = [name for name in origins.machine_names(bound(), tls=tls) if name not in ("localhost", "[::1]")]
    if environment.is_loopback(host):
        names = [origins.in_url(host)]
    return [origins.origin("https" if tls else "http", name, settings.SOCKPANEL_PORT) for name in dict.fromkeys(names)]
