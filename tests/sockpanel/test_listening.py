"""Where the panel listens: at every address that a browser may take for it."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import AddressInUse
from sockpanel import listening
from tests.namespaces import in_own_network
from tests.ports import free_port_of_localhost
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Visitor

BOTH = ["127.0.0.1", "::1"]


@pytest.fixture
def port(settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """A free one, which the settings name; what is opened is forgotten with the test."""
    monkeypatch.setattr(listening, "_bound", [])
    settings.SOCKPANEL_HOST, settings.SOCKPANEL_PORT = "127.0.0.1", free_port_of_localhost()
    return settings.SOCKPANEL_PORT


@contextlib.contextmanager
def opened() -> Iterator[list[str]]:
    """The addresses of what is open for the length of the block."""
    sockets = listening.open_ports()
    try:
        yield [one.getsockname()[0] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("host", BOTH)
def test_a_panel_on_loopback_has_both_addresses_of_localhost(port: int, settings, host: str):
    settings.SOCKPANEL_HOST = host
    with opened() as found:
        assert sorted(found) == BOTH
        assert listening.bound() == found
        for address in BOTH:
            socket.create_connection((address, port), 5).close()


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize(("host", "expected"), [("0.0.0.0", ["0.0.0.0", "::1"]), ("::", ["::"]), ("127.0.0.2", None)])
def test_elsewhere_it_has_what_its_names_need(port: int, settings, host: str, expected: list[str] | None):
    settings.SOCKPANEL_HOST = host
    assert listening.bound() == [host]  # nobody else is known to listen
    with opened() as found:
        assert found == (expected or [host])


@pytest.mark.usefixtures("ipv6")
def test_where_somebody_has_the_other_address_nothing_is_opened(port: int):
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        with pytest.raises(AddressInUse, match=rf"^Port {port} on ::1 is in use by pid {os.getpid()} .*localhost\.$"):
            listening.open_ports()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


@pytest.mark.usefixtures("ipv6")
def test_who_listens_at_the_other_address_keeps_the_panel_from_starting(start_panel):
    port = free_port_of_localhost()
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        panel: Panel = start_panel(ready=False, SOCKPANEL_PORT=str(port))
        assert panel.ended() == os.EX_UNAVAILABLE
    assert panel.log().startswith(f"Port {port} on ::1 is in use by pid {os.getpid()}")
    assert panel.log().count("\n") == 1


@pytest.mark.usefixtures("ipv6")
def test_people_are_served_at_both_and_nobody_can_take_the_second(panel: Panel):
    visitor = Visitor("::1", panel.port)
    assert visitor.sign_in(panel.username, panel.password).status == 302
    assert visitor.get("/servers/").status == 200
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("::1", panel.port), family=socket.AF_INET6)


@in_own_network
async def test_without_ipv6_there_is_one_address_and_no_other_is_trusted():
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
    panel = Panel(command="web")
    try:
        panel.start()
        for host, status in (("127.0.0.1", 200), ("localhost", 200), ("[::1]", 400)):
            assert panel.visitor().get("/healthz", Host=f"{host}:{panel.port}").status == status, host
    finally:
        panel.end()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::"])
def test_no_managed_server_gets_the_panels_port_at_any_address(panel: Panel, host: str):
    """Its pages would be the panel's for a browser, or look like them. Told when it is saved, and refused when it is started."""
    name = "impostor-" + host.replace(".", "-").replace(":", "x")
    ada = panel.login()
    words = {"name": name, "kind": "tcp", "transport": "tcp", "host": host, "port": panel.port}
    made = ada.post("/api/v1/servers", json=words)
    assert made.status == 201, made.text
    assert f"Port {panel.port} is the panel's own" in " ".join(made.json()["warnings"])
    answer = ada.post(f"/api/v1/servers/{name}/start", json={})
    assert answer.status == 409
    assert f"Port {panel.port} is the panel's own" in answer.json()["detail"]
    assert ada.get(f"/api/v1/servers/{name}").json()["state"] == "FATAL"
