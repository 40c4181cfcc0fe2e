"""No server gets the panel's own port, at whatever address."""

import socket

import pytest

from services import panel_address, panel_port
from services.errors import PanelPort
from services.servers import validation
from services.servers.spec import ServerSpec
from tests.ports import free_port


@pytest.fixture(autouse=True)
def own(settings) -> int:
    """The panel's port."""
    settings.SOCKPANEL_PORT = free_port()
    return settings.SOCKPANEL_PORT


def spec(**words: object) -> ServerSpec:
    return validation.build({"name": "lab", "kind": "tcp", **words})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
def test_the_panels_port_is_refused_at_every_address(own: int, host: str):
    asked = spec(host=host, port=own)
    with pytest.raises(
        PanelPort, match=rf"Port {own} is the panel's own .*Choose another port, or set SOCKPANEL_PORT"
    ) as refused:
        panel_port.open_socket(asked)
    assert refused.value.field == "port"
    assert panel_port.check_address(asked) == refused.value.message


def test_the_port_of_the_panel_that_runs_is_refused_whatever_the_setting_says(settings, own: int):
    """`manage.py up --port` tells no other shell's environment."""
    with panel_address.told("https://panel.example.org"):
        settings.SOCKPANEL_PORT = free_port()
        for port in (own, settings.SOCKPANEL_PORT):
            with pytest.raises(PanelPort, match=f"Port {port} is the panel's own"):
                panel_port.open_socket(spec(host="127.0.0.2", port=port))
    assert panel_port.check_address(spec(host="127.0.0.2", port=own)) is None


def test_another_port_is_opened(own: int):
    asked = spec(port=free_port())
    assert panel_port.check_address(asked) is None
    panel_port.open_socket(asked).close()


def test_a_datagram_socket_may_have_the_number_for_no_browser_asks_there(own: int):
    sock = panel_port.open_socket(spec(kind="udp", port=own))
    assert sock.type == socket.SOCK_DGRAM
    sock.close()


def test_a_port_that_somebody_else_has_is_told_as_ever():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        said = panel_port.check_address(spec(port=holder.getsockname()[1]))
    assert "is in use by pid" in (said or "")
