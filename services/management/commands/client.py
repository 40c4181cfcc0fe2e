r"""`client tcp|udp|unix|unix-dgram|time|broadcast`: one exchange as a client, told in words or as JSON.

`client command` runs a remote command. Exit codes: 0 answered (a broadcast: sent), 1 no answer or failed, 2 wrong usage; those of
a remote command are its own. It needs no database.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.management.base import CommandParser

from services import numbers, terminal
from services.client import Exchange, as_dict, build, exchange
from services.client.request import MAX_TIMEOUT, TIMEOUT, Met
from services.errors import RequestRefused
from services.management import remote
from services.management.base import SockpanelCommand
from services.management.data import add_data_options, data_from
from services.management.tls_options import add_tls_options, identity_from, tls_from

STREAMS = ("tcp", "unix")
SENT, RECEIVED = "-> sent", "<- received"  # seen from the person who asks, as on the page
WHAT = {
    "tcp": "connect, send, print what comes back",
    "udp": "send one datagram, print what comes back",
    "unix": "the same as tcp over a UNIX socket",
    "unix-dgram": "the same as udp over a UNIX socket",
    "time": "ask a time server; without a format it answers in its own",
    "broadcast": "send one datagram to a broadcast address, print every answer",
    "command": "run a command on a remote-command server; its output and exit status are ours",
}
EXAMPLES = r"""examples:
  manage.py client tcp 127.0.0.1 8007 --text 'abc'
  printf 'hello' | manage.py client udp 127.0.0.1 8082
  manage.py client time 127.0.0.1 9000 --format '%Y %m %d'
  manage.py client tcp 127.0.0.1 9001 --framing length --size 4 --hex '01 02'
  manage.py client tcp lab.lan 8443 --tls --ca sockpanel-ca.pem --text 'abc'
  manage.py client command 127.0.0.1 9997 -- uname -s
exit codes: 0 answered (a broadcast: sent), 1 no answer or failed, 2 wrong usage; command: those of the command"""


class Command(SockpanelCommand):
    help = "One exchange as a client: what was sent, what came back, when, from whom, and how long it took."
    needs_databases = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EXAMPLES
        kinds = parser.add_subparsers(dest="client", required=True, metavar="|".join(WHAT))
        for name, what in WHAT.items():
            _add_client(kinds.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}."), name)

    def run(self, options: Mapping[str, Any]) -> None:
        if options["client"] == "command":
            self._command(options)
        else:
            self._exchange(options)

    def _command(self, options: Mapping[str, Any]) -> None:
        code, why = remote.run(options)
        if why:
            self.warn(why)
        sys.exit(code)

    def _exchange(self, options: Mapping[str, Any]) -> None:
        request = msgspec.structs.replace(build(_words(options)), identity=identity_from(options))
        done = asyncio.run(exchange(request))
        if options["raw"]:
            for piece in done.received:
                terminal.write_raw(piece.data)
        else:
            self.say(terminal.as_json(as_dict(done)) if options["json"] else told(done))
        if options["raw"] and done.note:
            self.warn(done.note)
        if not (done.received or request.broadcast or request.expect == 0):
            sys.exit(1)


def _add_client(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "command":
        remote.add_options(parser)
        return
    if name.startswith("unix"):
        parser.add_argument("host", metavar="PATH")
    else:
        parser.add_argument("host", metavar="HOST", help="a name or an address")
        parser.add_argument("port", metavar="PORT", type=numbers.argument)
    add_data_options(parser)
    if name == "time":
        parser.add_argument("--format", help="a strftime format, such as '%%H:%%M'")
        parser.add_argument("--tcp", action="store_true", help="ask over TCP")
    if name in ("tcp", "time"):
        add_tls_options(parser)
    if name in STREAMS:
        _add_framing(parser)
    parser.add_argument("--expect", type=numbers.argument, metavar="N", help="stop after N messages; 0: only send")
    parser.add_argument(
        "--timeout",
        type=numbers.decimal_argument,
        default=TIMEOUT,
        metavar="S",
        help=f"seconds to wait, up to {MAX_TIMEOUT:.0f}; {TIMEOUT:g}",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object; bytes are base64")
    output.add_argument("--raw", action="store_true", help="print the bytes that came back, and nothing else")


def _add_framing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--framing",
        choices=("none", "line", "delimiter", "fixed", "length"),
        default="none",
        help="where a message ends",
    )
    parser.add_argument(
        "--size", type=numbers.argument, metavar="N", help="fixed: bytes in a message; length: bytes in the prefix (4)"
    )
    parser.add_argument("--delimiter", metavar="TEXT", help=r"what ends a message, such as '\r\n'")
    parser.add_argument("--order", choices=("big", "little"), help="of the bytes in the prefix; big")
    parser.add_argument("--finish", action="store_true", help="end our side after sending, as nc -N does")
    parser.add_argument("--includes-itself", action="store_true", help="the prefix counts its own bytes too")


def _words(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as `client.build` takes them. Raises RequestRefused or TextMalformed."""
    client = options["client"]
    transport = {"time": "tcp" if options.get("tcp") else "udp", "broadcast": "udp"}.get(client, client)
    return {
        "transport": transport,
        "host": options["host"],
        "port": options.get("port"),
        "data": _data(options),
        "framing": _framing(options),
        "timeout": options["timeout"],
        "expect": options["expect"],
        "finish": options.get("finish") or (client == "time" and transport == "tcp"),
        "broadcast": client == "broadcast",
        "tls": tls_from(options),
    }


def _data(options: Mapping[str, Any]) -> bytes:
    if options.get("format") is not None:
        return data_from({**options, "text": options["format"]}) or b""
    if options["client"] == "time" and all(options[name] is None for name in ("text", "hex", "base64", "file")):
        return b""
    data = data_from(options)
    if data is None:
        raise RequestRefused(
            "Nothing to send: give --text, --hex, --base64 or --file, or pipe the bytes in (--text '' for none)."
        )
    return data


def _framing(options: Mapping[str, Any]) -> dict[str, Any]:
    kind = options.get("framing", "none")
    size = 4 if kind == "length" and options["size"] is None else options.get("size")
    words = {
        "type": kind,
        "size": size,
        "delimiter": options.get("delimiter"),
        "order": options.get("order"),
        "includes_itself": options.get("includes_itself") or None,
    }
    return {word: value for word, value in words.items() if value is not None}


def told(done: Exchange) -> str:
    """The exchange in words."""
    lines = [f"sent {_bytes(len(done.sent))} to {terminal.plain(done.peer)} from {terminal.plain(done.local)}"]
    lines.append(f"  {terminal.clock(done.sent_at)} {SENT} {terminal.visible(done.sent)}".rstrip())
    if done.tls is not None:
        lines.append(_met(done.tls))
    for piece in done.received:
        lines.append(
            f"received {_bytes(len(piece.data))} from {terminal.plain(piece.peer)} after {piece.after_ms:.1f} ms"
        )
        lines.append(f"  {terminal.clock(piece.at)} {RECEIVED} {terminal.visible(piece.data)}".rstrip())
    if len(done.received) > 1:
        lines.append(f"{len(done.received):,} messages, {_bytes(done.bytes_received)} in {done.seconds * 1000:.1f} ms")
    if done.note:
        lines.append(terminal.plain(done.note))
    return "\n".join(lines)


def _met(tls: Met) -> str:
    """Whom TLS was spoken with."""
    whose = f"{terminal.plain(tls.subject) or 'no name'}, from {terminal.plain(tls.issuer)}, until {tls.until[:10]}"
    checked = "" if tls.believed else " (not checked)"
    return f"  {tls.version}, {tls.cipher}; certificate{checked}: {whose}\n  SHA-256 {tls.sha256}"


def _bytes(count: int) -> str:
    return f"{count:,} byte" if count == 1 else f"{count:,} bytes"
