"""The panel's own port, which no server gets, at whatever address: else the same as `services.servers.sockets`.

Browsers know a page by its host's name and port. Of the names of this machine each may lead to several addresses, and whoever listened
at the panel's port at one of them could be taken for the panel. Told when a server is saved, as for a port in use, and refused at its
start: the panel's port may have changed meanwhile.

Which it is says the panel that runs on this data, whatever environment this process has; and the setting: that of a panel to come.
"""

import socket

from django.conf import settings

from services import panel_address
from services.errors import PanelPort
from services.servers import sockets
from services.servers.spec import ServerSpec


def open_socket(spec: ServerSpec) -> socket.socket:
    """Raises PanelPort, and what `sockets.open_socket` raises."""
    if refused := objection(spec):
        raise PanelPort(refused, field="port")
    return sockets.open_socket(spec)


def check_address(spec: ServerSpec) -> str | None:
    """The sentence that `open_socket` would raise, or None when the address is free."""
    return objection(spec) or sockets.check_address(spec)


def objection(spec: ServerSpec) -> str | None:
    """Why `spec` may not have its port. Browsers speak no UDP with anybody who has not asked them to."""
    if spec.transport != "tcp":
        return None
    if spec.port == panel_address.port():
        return (
            f"Port {spec.port} is the panel's own at every address, {spec.host} included: "
            "a browser could take the server for the panel. Choose another port."
        )
    if spec.port == settings.SOCKPANEL_PORT:
        return (
            f"Port {spec.port} is the panel's own (SOCKPANEL_PORT) at every address, {spec.host} included: "
            "a browser could take the server for the panel. Choose another port, or set SOCKPANEL_PORT to where the panel is."
        )
    return None
