"""The lines that talk to a server do talk to it."""

import pytest

from services.presets import PRESETS
from sockpanel.pages.fields import values_of
from sockpanel.pages.talk import reachable, talk


def server(**words: object) -> dict[str, object]:
    return {
        "kind": "tcp",
        "transport": "tcp",
        "host": "127.0.0.1",
        "port": 9,
        "framing": {},
        "reply": {},
        "options": {},
    } | words


@pytest.mark.parametrize(
    ("host", "seen", "address"),
    [
        ("127.0.0.1", "192.168.1.5", "127.0.0.1"),
        ("0.0.0.0", "", "127.0.0.1"),
        ("0.0.0.0", "192.168.1.5", "192.168.1.5"),
        ("0.0.0.0", "2001:db8::1", "127.0.0.1"),
        ("::", "", "::1"),
    ],
)
def test_a_wildcard_becomes_an_address_that_reaches_it(host: str, seen: str, address: str) -> None:
    assert reachable(host, seen) == address


@pytest.mark.parametrize("name", PRESETS)
def test_the_python_lines_of_every_preset_compile(name: str) -> None:
    words = {"framing": {}, "reply": {}, "options": {}, **PRESETS[name].server}
    compile(talk(words).python, name, "exec")


@pytest.mark.parametrize(
    ("framing", "data"),
    [
        ({"type": "line"}, b"hello\n"),
        ({"type": "fixed", "size": 8}, b"hello..."),
        ({"type": "length", "size": 2, "order": "big"}, b"\x00\x05hello"),
        ({"type": "length", "size": 2, "order": "little", "includes_itself": True}, b"\x07\x00hello"),
        ({"type": "delimiter", "delimiter": r"\r\n\xff"}, b"hello\r\n\xff"),
    ],
)
def test_what_python_sends_is_a_whole_message(framing: dict[str, object], data: bytes) -> None:
    assert f"s.sendall({data!r})" in talk(server(framing=framing)).python


def test_udp_unix_and_ipv6_have_their_own_lines() -> None:
    assert talk(server(kind="udp", transport="udp", host="::1")).shell == "printf hello | nc -u -w1 -6 ::1 9"
    assert talk(server(transport="unix", host="/tmp/my sock")).shell == "nc -U '/tmp/my sock'"
    assert talk(server(kind="time", transport="udp")).shell.startswith("printf '%%Y-%%m-%%d %%X'")


def test_the_client_page_gets_the_address_and_the_framing() -> None:
    query = talk(server(framing={"type": "length", "size": 4, "order": "big"})).client
    assert "host=127.0.0.1&port=9" in query
    assert "framing.type=length&framing.size=4" in query


def test_values_of_a_server_without_limits_show_none() -> None:
    assert "retention.rows" not in values_of({"retention": {"age": 60}})


def test_a_command_server_is_shown_by_a_command_of_its_own_allow_list() -> None:
    commands = [{"id": "lights", "program": "/bin/lights", "arguments": [{"name": "what", "choices": ["on", "off"]}]}]
    lines = talk(server(kind="command", name="lab", options={"commands": commands}))
    assert lines.shell.endswith(" -- lights on")
    assert '"argv": ["lights", "on"]' in lines.python
    assert talk(server(kind="command", options={"commands": []})).shell.endswith(" -- COMMAND")


def test_where_tls_is_spoken_the_lines_speak_it_too() -> None:
    lines = talk(server(tls={"mode": "on", "client": "required"}, reply={"type": "echo"}, host="::1"))
    compile(lines.python, "tls", "exec")
    assert 'wrap_socket(socket.create_connection(("::1", 9)), server_hostname="::1")' in lines.python
    assert "load_cert_chain" in lines.python
    assert lines.shell.endswith("-CAfile sockpanel-ca.pem -cert client.pem -connect [::1]:9")
    assert lines.client.endswith("tls=on")
    assert "tls" not in talk(server(tls={"mode": "off"})).client
