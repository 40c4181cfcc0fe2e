"""What `servers` can do, and the options of each verb: one table, from which the parser is made."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import Any

from services import numbers
from services.management import assignments
from services.management.data import add_data_options
from services.models import Server
from services.presets import PRESETS
from services.servers.spec import TRANSPORTS

LINES, MAX_LINES = 10, 1000
EXAMPLES = r"""examples:
  manage.py servers add lab --preset echo --port 9100 --start
  manage.py servers add sensor --kind tcp --port 9101 --set framing.type=line --set reply.type=upper
  manage.py servers tail lab
  manage.py servers send lab --text 'hello\r\n' --connection 7
exit codes: 0 done, 1 it failed (the reason is on stderr), 2 wrong usage"""

_FIELDS = ("kind", "transport", "host", "port", "restart", "notes")  # fields with an option of their own


def words(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the options of `add` mean, as `operations.create` takes them. Raises RequestRefused."""
    found: dict[str, Any] = {"name": options["name"], **assignments.fields(options["set"])}
    for field in ("preset", *_FIELDS):
        if options[field] is not None:
            found[field] = options[field]
    if options["autostart"]:
        found["autostart"] = True
    return found


def _add(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--preset", metavar="PRESET", help=f"begin with one of {', '.join(PRESETS)}")
    parser.add_argument("--kind", choices=tuple(TRANSPORTS))
    parser.add_argument("--transport", choices=sorted({one for many in TRANSPORTS.values() for one in many}))
    parser.add_argument("--host", help="an IPv4 or IPv6 address of this machine; for UNIX sockets a path")
    parser.add_argument("--port", type=numbers.argument)
    parser.add_argument("--restart", choices=Server.Restart.values)
    parser.add_argument("--autostart", action="store_true", help="start it together with Sockpanel")
    parser.add_argument("--notes")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="any field, such as framing.type=line"
    )
    parser.add_argument("--start", action="store_true", help="start it at once")
    _json(parser)


def _names(parser: ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*")
    parser.add_argument("--all", action="store_true", help="every server")
    _json(parser)


def _status(parser: ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*", help="none: every server")
    _json(parser)


def _tail(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "-n", "--lines", type=numbers.argument, default=LINES, metavar="N", help=f"messages to begin with; {LINES}"
    )
    parser.add_argument("--no-follow", dest="follow", action="store_false", help="end after these")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="a JSON object for each message, on a line of its own")
    output.add_argument("--raw", action="store_true", help="the bytes of the messages, and nothing else")


def _send(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    add_data_options(parser)
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--connection", type=_connection, metavar="N|all", help="to this connection; all, if not given")
    whom.add_argument("--peer", metavar="HOST:PORT", help="to this datagram peer")
    _json(parser)


def _connection(text: str) -> int | None:
    number = numbers.whole(text)
    if text != "all" and number is None:
        raise ArgumentTypeError("a connection is its number, or all")
    return number


def _incidents(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-n", "--lines", type=_lines, default=LINES, metavar="N", help=f"the newest so many; {LINES}")
    _json(parser)


def _lines(text: str) -> int:
    number = numbers.whole(text)
    if number is None or not 1 <= number <= MAX_LINES:
        raise ArgumentTypeError(f"a number from 1 to {MAX_LINES:,}")
    return number


def _prune(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--keep", type=numbers.argument, required=True, metavar="N", help="so many of the newest messages stay"
    )
    _sure(parser)
    _json(parser)


def _remove(parser: ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="+")
    _sure(parser)
    _json(parser)


def _sure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--yes", action="store_true", help="do not ask; needed where nobody can be asked, such as in a script"
    )


def _json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


VERBS: dict[str, tuple[str, Callable[[ArgumentParser], None]]] = {
    "list": ("all servers and where they stand", _json),
    "add": ("a new server, from a preset or from its fields", _add),
    "start": ("start servers and wait until they serve", _names),
    "stop": ("stop servers and wait until their ports are free", _names),
    "restart": ("restart servers and wait until they serve again", _names),
    "status": ("one or all servers in detail", _status),
    "incidents": ("what a server refused or slowed down", _incidents),
    "tail": ("the last messages of a server and those that come, until Ctrl-C", _tail),
    "send": ("send bytes to connected clients of a server", _send),
    "prune": ("remove all but the newest messages of a server", _prune),
    "remove": ("remove servers with all their messages", _remove),
}
