"""How to talk to a server from a shell, from Python and from the Client page, with the address that reaches it.

It knows no request and no database.
"""

import json
import shlex
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from services.servers import escapes
from services.servers.commands.options import CommandOptions
from services.servers.commands.sample import sample
from services.servers.spec import STREAMS, UNIX, join_address

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is told apart, not bound

AUTHORITY = "sockpanel-ca.pem"


class Talk(NamedTuple):
    """Ready-made lines for one server."""

    title: str
    shell: str  # one line for a shell
    python: str  # a few lines of Python
    client: str  # the query of the page that can talk to it, too; empty where none can
    hint: str
    page: str = "client"  # the page that `client` is the query of
    key: str = ""  # the server's public key in hex, where it has one


def reachable(host: str, seen: str) -> str:
    """The address to connect to: a wildcard becomes `seen` (the address that the panel was reached at) or loopback."""
    if host not in WILDCARDS:
        return host
    return seen if seen and (":" in seen) == (":" in host) else WILDCARDS[host]


def talk(server: dict[str, Any], seen: str = "", key: str = "", panel: str = "http://127.0.0.1:8000") -> Talk:
    """Lines for a SERVER object. `key`: the public key of a remote-command server, in hex; `panel`: our own address."""
    if server["kind"] == "command":
        return _command(server, reachable(server["host"], seen), key, panel)
    if server["kind"] == "broadcast-sender":
        return _listen(server)
    if server["transport"] in UNIX:
        return _unix(server)
    host, port = reachable(server["host"], seen), server["port"]
    if server["kind"] == "broadcast-receiver":
        return _broadcast(port)
    if server["transport"] == "udp":
        return _udp(server, host, port)
    return _tls(server, host, port) if _speaks_tls(server) else _tcp(server, host, port)


def _tls(server: dict[str, Any], host: str, port: int) -> Talk:
    text = _sample(server)
    shows_own = server["tls"].get("client") == "required"
    lines = [
        "import socket, ssl",
        "",
        f'context = ssl.create_default_context(cafile="{AUTHORITY}")',
        *(['context.load_cert_chain("client.pem")  # a certificate and its key'] if shows_own else []),
        f's = context.wrap_socket(socket.create_connection(("{host}", {port})), server_hostname="{host}")',
        f"s.sendall({_framed(server, text)!r})",
        "print(s.recv(65536))" if _answers(server) else "# nothing comes back",
    ]
    own = " -cert client.pem" if shows_own else ""
    shell = f"openssl s_client -quiet -verify_return_error -CAfile {AUTHORITY}{own} -connect {join_address(host, port)}"
    hint = f"{AUTHORITY} is on the page Certificates; a certificate from elsewhere has an authority of its own."
    return Talk("TLS", shell, "\n".join(lines), _client(server, host, port, text), hint)


def _speaks_tls(server: dict[str, Any]) -> bool:
    return server.get("tls", {}).get("mode") == "on"


def _tcp(server: dict[str, Any], host: str, port: int) -> Talk:
    text = _sample(server)
    lines = [
        "import socket",
        "",
        f's = socket.create_connection(("{host}", {port}))',
        f"s.sendall({_framed(server, text)!r})",
        "print(s.recv(65536))" if _answers(server) else "# nothing comes back",
    ]
    shell = f"nc {_flag(host)}{host} {port}"
    return Talk(
        "TCP", shell, "\n".join(lines), _client(server, host, port, text), "Type, and press Enter; Ctrl-C leaves."
    )


def _udp(server: dict[str, Any], host: str, port: int) -> Talk:
    text = _sample(server)
    family = "AF_INET6" if ":" in host else "AF_INET"
    lines = [
        "import socket",
        "",
        f"s = socket.socket(socket.{family}, socket.SOCK_DGRAM)",
        f's.sendto({text.encode()!r}, ("{host}", {port}))',
        *(["s.settimeout(2)", "print(s.recvfrom(65535))"] if _answers(server) else ["# nothing comes back"]),
    ]
    shell = f"printf {shlex.quote(text.replace('%', '%%'))} | nc -u -w1 {_flag(host)}{host} {port}"
    return Talk("UDP", shell, "\n".join(lines), _client(server, host, port, text), "Each send is one datagram.")


def _unix(server: dict[str, Any]) -> Talk:
    path, text = server["host"], _sample(server)
    if server["transport"] in STREAMS:
        lines = [
            "import socket",
            "",
            "s = socket.socket(socket.AF_UNIX)",
            f"s.connect({path!r})",
            f"s.sendall({_framed(server, text)!r})",
            "print(s.recv(65536))" if _answers(server) else "# nothing comes back",
        ]
        return Talk("UNIX", f"nc -U {shlex.quote(path)}", "\n".join(lines), "", "")
    lines = [
        "import os, socket",
        "",
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
        's.bind(f"/tmp/client-{os.getpid()}.sock")  # without a name of its own nobody can answer it',
        f"s.sendto({text.encode()!r}, {path!r})",
        *(["s.settimeout(2)", "print(s.recv(65536))"] if _answers(server) else []),
    ]
    shell = f"printf {shlex.quote(text)} | nc -uU -w1 {shlex.quote(path)}"
    return Talk("UNIX datagram", shell, "\n".join(lines), "", "")


def _broadcast(port: int) -> Talk:
    lines = [
        "import socket",
        "",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)",
        f's.sendto(b"hello", ("255.255.255.255", {port}))',
    ]
    shell = f"printf hello | nc -u -b -w1 255.255.255.255 {port}"
    query = urlencode({"transport": "broadcast", "host": "255.255.255.255", "port": port, "data": "hello"})
    hint = f"Not every network carries broadcasts; a datagram to 127.0.0.1 port {port} arrives too."
    return Talk("Broadcast", shell, "\n".join(lines), query, hint)


def _listen(server: dict[str, Any]) -> Talk:
    _, _, port = server["options"].get("destination", "255.255.255.255:9999").rpartition(":")
    lines = [
        "import socket",
        "",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        f's.bind(("", {port}))',
        "while True:",
        "    print(s.recvfrom(65535))",
    ]
    return Talk(
        "Listen",
        f"nc -u -l {port}",
        "\n".join(lines),
        "",
        "It speaks, others listen: a broadcast receiver shows it here.",
    )


def _command(server: dict[str, Any], host: str, key: str, panel: str) -> Talk:
    port = server["port"]
    if server["options"].get("dialect") == "ready":
        return _ready(host, port)
    options = msgspec.convert(server["options"], CommandOptions)
    argv = sample(options) or ("COMMAND",)  # nothing that can be known here
    shell = f"manage.py client command {host} {port} --key FILE --server-key {key or 'HEX'} -- {shlex.join(argv)}"
    lines = [
        "import json, urllib.request  # by way of this panel; make the token with manage.py token create USER",
        "",
        f'words = {{"server": "{server.get("name", "NAME")}", "argv": {json.dumps(argv)}}}',
        'headers = {"Authorization": "Bearer TOKEN", "Content-Type": "application/json"}',
        f'address = "{panel}/api/v1/commands"',
        "request = urllib.request.Request(address, json.dumps(words).encode(), headers)",
        'print(json.load(urllib.request.urlopen(request))["stdout"])',
    ]
    hint = (
        "A client must have a registered key, and pins the server's own. docs/remote-commands.md says how to write one."
    )
    return Talk(
        "Commands", shell, "\n".join(lines), urlencode({"server": server.get("name", "")}), hint, "commands", key
    )


def _ready(host: str, port: int) -> Talk:
    lines = [
        "import socket",
        "",
        f's = socket.create_connection(("{host}", {port}))',
        's.sendall(b"uname -a")',
        'size = int(s.recv(1024).split(b"|")[1])  # Ready|<size>',
        's.sendall(b"Start")',
        'print(s.makefile("rb").read(size).decode())',
    ]
    shell = f"nc {_flag(host)}{host} {port}"
    hint = "Type a command; after Ready|<size> type Start. It answers whoever is on this machine, without a key."
    return Talk("Commands", shell, "\n".join(lines), "", hint)


def _answers(server: dict[str, Any]) -> bool:
    return server["kind"] == "time" or server["reply"].get("type", "none") != "none"


def _sample(server: dict[str, Any]) -> str:
    return "%Y-%m-%d %X" if server["kind"] == "time" else "hello"


def _framed(server: dict[str, Any], text: str) -> bytes:
    """The sample as a message of the server's framing."""
    framing, data = server["framing"], text.encode()
    kind, size = framing.get("type", "none"), framing.get("size", 0)
    if kind == "line":
        return data + b"\n"
    if kind == "fixed":
        return data[:size].ljust(size, b".") if size <= 64 else data
    if kind == "length" and size:
        length = len(data) + (size if framing.get("includes_itself") else 0)
        return length.to_bytes(size, "little" if framing.get("order") == "little" else "big") + data
    if kind == "delimiter":
        return data + escapes.to_bytes(framing.get("delimiter", ""))
    return data


def _client(server: dict[str, Any], host: str, port: int, text: str) -> str:
    """The Client page, filled in for this server."""
    transport = "time" if (server["kind"], server["transport"]) == ("time", "udp") else server["transport"]
    framing = {f"framing.{key}": value for key, value in server["framing"].items() if value not in ("", None, False)}
    if server["framing"].get("type", "none") == "none":
        framing = {}
    tls = {"tls": "on"} if _speaks_tls(server) else {}
    return urlencode({"transport": transport, "host": host, "port": port or "", "data": text, **framing, **tls})


def _flag(host: str) -> str:
    return "-6 " if ":" in host else ""
