"""A person's words for a server -> ServerSpec, or every problem with them at once, each beside its field.

It knows no socket: whether an address can be bound is `sockets`' question, asked at the start.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from services.errors import ConfigurationRefused, SockpanelError
from services.servers import escapes, limits, time_format, wording
from services.servers.commands import allowed
from services.servers.commands.options import CommandOptions
from services.servers.spec import (
    MAX_FRAME_BYTES,
    NAME,
    OPTIONS,
    STREAMS,
    TRANSPORTS,
    UNIX,
    BroadcastSenderOptions,
    Framing,
    Limits,
    Reply,
    ServerSpec,
    TimeOptions,
    Tls,
)
from services.servers.tls import choices

RESERVED = ("new",)  # /servers/new/ is a page
UNIX_PATH_BYTES = 107  # sun_path holds 108 with its closing NUL (unix(7))
MAX_TEXT_BYTES = 64 * 1024
MAX_DATAGRAM = 65_507  # what one IPv4 datagram carries (65,535 less the IP and UDP headers)
MAX_DELIMITER_BYTES = 64
MAX_BROADCAST_BYTES = 1400  # a broadcast is not to be cut into fragments
MAX_COUNT = 1_000_000_000
INTERVAL = (0.1, 86_400.0)
MAX_READY_OUTPUT = 1024 * 1024
SCOPE_CHARACTERS = 15  # of an interface's name (IFNAMSIZ less its closing NUL)

_PARTS: dict[str, type[msgspec.Struct]] = {"framing": Framing, "reply": Reply, "limits": Limits, "tls": Tls}


def build(words: Mapping[str, Any]) -> ServerSpec:
    """The spec that `words` (the fields of a server, parts as plain mappings) mean.

    Raises ConfigurationRefused, whose `problems` names each wrong field (`port`, `framing.size`) with a sentence.
    """
    problems: dict[str, str] = {}
    kind, transport = _kind(words, problems), ""
    if kind:
        transport = _transport(words, kind, problems)
    parts = {name: _part(name, part, words, problems) for name, part in _PARTS.items()}
    parts["options"] = _part("options", OPTIONS[kind], words, problems) if kind else None
    host = _host(words, transport, problems)
    port = _port(words, kind, transport, problems)
    name = _name(words, problems)
    for check, part in ((_framing, "framing"), (_reply, "reply"), (limits.check, "limits"), (_options, "options")):
        if parts[part] is not None:
            check(parts[part], problems)
    _fit(kind, transport, host, parts, problems)
    if parts["tls"] is not None and kind and transport:
        choices.check(parts["tls"], kind, transport, problems)
    if problems:
        raise ConfigurationRefused(" ".join(problems.values()), problems=problems)
    return ServerSpec(name=name, kind=kind, transport=transport, host=host, port=port, **parts)  # type: ignore[arg-type]


def build_framing(words: Mapping[str, Any]) -> Framing:
    """Framing alone, for a client. Raises ConfigurationRefused with every problem (`framing.size`)."""
    problems: dict[str, str] = {}
    framing = _part("framing", Framing, {"framing": words}, problems)
    if framing is not None:
        _framing(framing, problems)
    if problems:
        raise ConfigurationRefused(" ".join(problems.values()), problems=problems)
    return framing


def _kind(words: Mapping[str, Any], problems: dict[str, str]) -> str:
    kind = words.get("kind")
    if isinstance(kind, str) and kind in TRANSPORTS:
        return kind
    problems["kind"] = f"A server's kind is one of {', '.join(TRANSPORTS)}."
    return ""


def _transport(words: Mapping[str, Any], kind: str, problems: dict[str, str]) -> str:
    transport = words.get("transport") or TRANSPORTS[kind][0]
    if transport in TRANSPORTS[kind]:
        return transport
    problems["transport"] = f"The transport of a {kind} server is {' or '.join(TRANSPORTS[kind])}."
    return ""


def _name(words: Mapping[str, Any], problems: dict[str, str]) -> str:
    name = words.get("name")
    if name in RESERVED:
        problems["name"] = f"{name} is the address of a page: choose another name."
        return ""
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    problems["name"] = "A name is 1 to 64 small letters, digits, - or _, and begins and ends with a letter or digit."
    return ""


def _host(words: Mapping[str, Any], transport: str, problems: dict[str, str]) -> str:
    host = words.get("host") or ("" if transport in UNIX else "127.0.0.1")
    if not isinstance(host, str):
        problems["host"] = "The host is a text."
    elif transport in UNIX:
        return _path(host, problems)
    elif host == "localhost":
        return "127.0.0.1"
    else:
        try:
            found = ipaddress.ip_address(host)
            address = str(getattr(found, "ipv4_mapped", None) or found)
        except ValueError:
            address = ""
        if address and address.isprintable() and len(address.partition("%")[2]) <= SCOPE_CHARACTERS:
            return address
        problems["host"] = (
            "The host is an IPv4 or IPv6 address of this machine, such as 127.0.0.1, 0.0.0.0 (all) or ::1."
        )
    return ""


def _path(path: str, problems: dict[str, str]) -> str:
    length = len(path.encode("utf-8", "replace"))
    if not path.startswith("/") or not path.isprintable():  # half a character (a lone surrogate) does not print either
        problems["host"] = (
            "The host of a UNIX socket is an absolute path of printable characters, such as /tmp/echo.sock."
        )
    elif ".." in path.split("/"):
        problems["host"] = "The path of a UNIX socket is written without .. in it: write the folder that is meant."
    elif length > UNIX_PATH_BYTES:
        problems["host"] = (
            f"The path has {length} bytes and a UNIX socket's may have {UNIX_PATH_BYTES}: choose a shorter one."
        )
    return path


def _port(words: Mapping[str, Any], kind: str, transport: str, problems: dict[str, str]) -> int:
    port = words.get("port")
    if transport in UNIX or (kind == "broadcast-sender" and not port):
        return 0
    if isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65_535:
        return port
    problems["port"] = "The port is a whole number from 1 to 65535."
    return 0


def _part(name: str, part: type[msgspec.Struct], words: Mapping[str, Any], problems: dict[str, str]) -> Any:
    value = words.get(name)
    try:
        return msgspec.convert({} if value is None else value, part)
    except msgspec.ValidationError as error:
        field, sentence = wording.refused(name, part, str(error))
        problems[field] = sentence
        return None


def _text(field: str, text: str, problems: dict[str, str], least: int = 0, most: int = MAX_TEXT_BYTES) -> None:
    try:
        size = len(escapes.to_bytes(text))
    except SockpanelError as error:
        problems[field] = error.message
        return
    except UnicodeEncodeError:
        problems[field] = "The text holds half a character (a lone surrogate): write the byte as \\xNN."
        return
    if "\0" in text:  # a JSON column of PostgreSQL takes none
        problems[field] = "The text holds a NUL character: write it as \\0."
    elif not least <= size <= most:
        problems[field] = f"The text means {size} bytes; it may have {least} to {most:,}."


def _framing(framing: Framing, problems: dict[str, str]) -> None:
    least = int(framing.type == "delimiter")
    _text("framing.delimiter", framing.delimiter, problems, least=least, most=MAX_DELIMITER_BYTES)
    if framing.type == "length" and framing.size not in (1, 2, 4, 8):
        problems["framing.size"] = "The length prefix has 1, 2, 4 or 8 bytes."
    elif not int(framing.type == "fixed") <= framing.size <= MAX_FRAME_BYTES:
        problems["framing.size"] = f"A message of fixed size has 1 to {MAX_FRAME_BYTES:,} bytes."
    if not 1 <= framing.max_bytes <= MAX_FRAME_BYTES:
        problems["framing.max_bytes"] = f"The longest message has 1 to {MAX_FRAME_BYTES:,} bytes."
    elif framing.type == "fixed" and framing.size > framing.max_bytes:
        problems["framing.max_bytes"] = "The longest message must not be shorter than the fixed size."


def _reply(reply: Reply, problems: dict[str, str]) -> None:
    _text("reply.text", reply.text, problems)


def _options(options: Any, problems: dict[str, str]) -> None:
    checks: dict[type, Callable[[Any, dict[str, str]], None]] = {
        TimeOptions: _time,
        BroadcastSenderOptions: _broadcast_sender,
        CommandOptions: _commands,
    }
    if type(options) in checks:
        checks[type(options)](options, problems)


def _time(options: TimeOptions, problems: dict[str, str]) -> None:
    for field, check, value in (
        ("options.format", time_format.check, options.format),
        ("options.timezone", time_format.check_timezone, options.timezone),
    ):
        try:
            check(value)
        except SockpanelError as error:
            problems[field] = error.message


def _broadcast_sender(options: BroadcastSenderOptions, problems: dict[str, str]) -> None:
    _text("options.message", options.message, problems, most=MAX_BROADCAST_BYTES)
    if not INTERVAL[0] <= options.interval <= INTERVAL[1]:
        problems["options.interval"] = f"The interval is {INTERVAL[0]} to {INTERVAL[1]:,.0f} seconds."
    if not 0 <= options.count <= MAX_COUNT:
        problems["options.count"] = f"The count is 0 (for ever) to {MAX_COUNT:,}."
    try:
        split_address(options.destination)
    except ValueError:
        problems["options.destination"] = "The destination is an address and a port, such as 192.168.1.255:9999."


def _commands(options: CommandOptions, problems: dict[str, str]) -> None:
    allowed.check(options, problems)
    if options.dialect != "ready":
        return
    if options.commands:
        problems["options.commands"] = "The dialect ready runs any program on the PATH: it has no allow-list."
    if options.shell:
        problems["options.shell"] = "The dialect ready knows no shell: leave it off."
    if options.output_bytes > MAX_READY_OUTPUT:
        problems["options.output_bytes"] = (
            f"The dialect ready holds the output in memory: at most {MAX_READY_OUTPUT:,} bytes."
        )


def _fit(kind: str, transport: str, host: str, parts: dict[str, Any], problems: dict[str, str]) -> None:
    """What each field allows alone and the whole does not."""
    framing, reply, options = parts["framing"], parts["reply"], parts["options"]
    if framing is not None and framing.type != "none" and kind == "command":
        problems["framing.type"] = "A command server has a protocol of its own: set framing to none."
    elif framing is not None and framing.type != "none" and transport and transport not in STREAMS:
        problems["framing.type"] = "A datagram is a message already: framing is for TCP and UNIX stream servers."
    if reply is not None and reply.close and transport and transport not in STREAMS:
        problems["reply.close"] = "A datagram has no connection that could be closed: leave it off."
    if reply is not None and reply.type != "none" and kind in ("time", "broadcast-sender", "command"):
        problems["reply.type"] = f"A {kind} server has no reply of its own: set it to none."
    if isinstance(options, BroadcastSenderOptions) and host and "options.destination" not in problems:
        destination, _ = split_address(options.destination)
        if (":" in host) != (":" in destination):
            problems["options.destination"] = "The host and the destination are both IPv4 or both IPv6."
    if isinstance(options, CommandOptions) and options.dialect == "ready" and host and not _is_loopback(host):
        problems["host"] = "The dialect ready asks nobody who he is: its host is 127.0.0.1 or ::1."


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def split_address(text: str) -> tuple[str, int]:
    """`ip:port` or `[ip6]:port` -> (ip, port). Raises ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65_535:
        raise ValueError(text)
    if host.startswith("[") and host.endswith("]"):
        return str(ipaddress.IPv6Address(host[1:-1])), int(port)
    return str(ipaddress.IPv4Address(host)), int(port)
