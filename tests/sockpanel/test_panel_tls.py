"""The panel's own TLS: what is spoken, and how its certificate is renewed while people are connected."""

import http.client
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.errors import SettingRefused
from sockpanel import panel_tls
from tests.scanning import GOOD, accepted
from tests.services.tls.making import Pair, pair
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import raw
from tests.waiting import eventually


def lay(folder: Path, made: Pair) -> tuple[str, str]:
    """As renewal tools do it: a whole new file takes the place of the old one."""
    paths = folder / "cert.pem", folder / "key.pem"
    for path, text in zip(paths, (made.chain, made.key_text), strict=True):
        draft = path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(path)
    return str(paths[0]), str(paths[1])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A panel with TLS, and the folder of its certificate."""
    folder = tmp_path_factory.mktemp("secured")
    certificate, key = lay(folder, pair("one"))
    panel = Panel(command="web", SOCKPANEL_TLS_CERT=certificate, SOCKPANEL_TLS_KEY=key)
    panel.start(ready=False)
    eventually(lambda: "https://127.0.0.1" in panel.log(), 30)
    yield panel, folder
    panel.end()


def unchecked(**words: Any) -> ssl.SSLContext:
    """A client that believes anybody, and says what it is told to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in words.items():
        setattr(context, name, value)
    return context


def shown(panel: Panel) -> bytes:
    """The certificate that a new visitor is shown."""
    with (
        socket.create_connection(("127.0.0.1", panel.port), 10) as plain,
        unchecked().wrap_socket(plain) as client,
    ):
        return client.getpeercert(binary_form=True) or b""


def test_a_renewed_certificate_is_shown_to_the_next_while_the_last_stay_connected(secured: tuple[Panel, Path]) -> None:
    panel, folder = secured
    with closing(http.client.HTTPSConnection("127.0.0.1", panel.port, context=unchecked(), timeout=20)) as before:
        before.request("GET", "/healthz")
        before.getresponse().read()
        sock, first = before.sock, shown(panel)
        lay(folder, pair("two"))
        eventually(lambda: shown(panel) != first, 15)
        before.request("GET", "/healthz")
        assert before.getresponse().status in (200, 503)
        assert before.sock is sock  # the same connection, with the former certificate


def test_a_certificate_without_its_key_changes_nothing_until_the_key_is_there(secured: tuple[Panel, Path]) -> None:
    panel, folder = secured
    first, new = shown(panel), pair("three")
    (folder / "cert.pem").write_text(new.chain)
    eventually(lambda: shown(panel) and "cannot be used" in panel.log(), 15)
    assert shown(panel) == first
    (folder / "key.pem").write_text(new.key_text)
    eventually(lambda: shown(panel) != first, 15)


def test_who_forgets_the_s_of_https_is_told_so_and_whoever_speaks_nothing_known_is_not(secured: tuple[Panel, Path]):
    port = secured[0].port
    status, said = raw("127.0.0.1", port, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    assert status == 400
    assert said.endswith(b"SP-6001 This port speaks TLS: begin the address with https:// .\n")
    assert b"x-frame-options: DENY" in said
    assert b"HTTP" not in raw("127.0.0.1", port, b"\x00\x01\x02 nothing that anybody knows\r\n\r\n")[1]


def test_nothing_weak_is_spoken(secured: tuple[Panel, Path]) -> None:
    assert accepted(("127.0.0.1", secured[0].port)) == GOOD["ECDSA"]


def test_a_certificate_that_is_none_is_refused_at_the_start_before_the_port_is_open(
    start_panel: Callable[..., Panel], tmp_path: Path
) -> None:
    certificate, key = lay(tmp_path, pair()._replace(key=pair().key))
    panel = start_panel(command="web", ready=False, SOCKPANEL_TLS_CERT=certificate, SOCKPANEL_TLS_KEY=key)
    assert panel.ended() == os.EX_CONFIG
    assert "are no certificate with its key" in panel.log()
    assert "Traceback" not in panel.log()


def test_an_encrypted_key_asks_nobody_at_a_terminal(tmp_path: Path) -> None:
    made = pair()
    certificate, key = lay(tmp_path, made)
    Path(key).write_text(made.encrypted("open sesame"))
    with pytest.raises(SettingRefused, match="SOCKPANEL_TLS_KEY"):
        panel_tls.Certificate(certificate, key)


def test_files_that_are_gone_leave_the_certificate_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_tls, "LOOK_EVERY", 0.0)
    paths = lay(tmp_path, pair())
    own = panel_tls.Certificate(*paths)
    before = own.getContext()
    for path in paths:
        Path(path).unlink()
    assert own.getContext() is before
    lay(tmp_path, pair())
    assert own.getContext() is not before
