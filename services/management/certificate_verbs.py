"""What `certificates` can do, and the options of each verb: one table, from which the parser is made."""

from argparse import ArgumentParser
from collections.abc import Callable

EXAMPLES = """examples:
  manage.py certificates make lab --for lab.lan --for 192.0.2.7
  manage.py certificates upload lab --chain fullchain.pem --key privkey.pem
  manage.py certificates renew --due                      # from cron: servers that run take up the new ones
  manage.py certificates ca > sockpanel-ca.pem            # what clients must trust
  manage.py servers add echo --preset echo --set tls.mode=on --set tls.certificate=lab
exit codes: 0 done, 1 it failed (the reason is on stderr), 2 wrong usage"""


def _list(parser: ArgumentParser) -> None:
    _json(parser)


def _make(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--for",
        dest="names",
        action="append",
        default=[],
        metavar="HOST",
        help="a host name or an address that clients use; none: what this machine is called",
    )
    _json(parser)


def _upload(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--chain", metavar="FILE", required=True, help="PEM; the server's own first, then its issuers")
    _key(parser)
    parser.add_argument("--clients", action="store_true", help="authorities whose client certificates are believed")
    _json(parser)


def _renew(parser: ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*")
    parser.add_argument("--due", action="store_true", help="all of the panel's own authority that end within 21 days")
    parser.add_argument("--chain", metavar="FILE", help="for one that was uploaded: PEM")
    _key(parser)
    _json(parser)


def _key(parser: ArgumentParser) -> None:
    parser.add_argument("--key", metavar="FILE", help="its private key, PEM")
    parser.add_argument("--passphrase-file", metavar="FILE", help="of an encrypted key; else it is asked for")


def _remove(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    _json(parser)


def _ca(parser: ArgumentParser) -> None:
    parser.add_argument("--new", action="store_true", help="another one in its place; clients must trust that one then")
    parser.add_argument(
        "--for",
        dest="names",
        action="append",
        default=[],
        metavar="HOST",
        help="with --new: a domain or an address that it may vouch for besides private ones",
    )
    _json(parser)


def _client(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    _json(parser)


def _json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


VERBS: dict[str, tuple[str, Callable[[ArgumentParser], None]]] = {
    "list": ("all certificates, until when they last and who uses them", _list),
    "make": ("a certificate of the panel's own authority", _make),
    "upload": ("a certificate with its key, or authorities of clients", _upload),
    "renew": ("new material under the same name; servers that run take it up", _renew),
    "remove": ("remove a certificate that no server uses, and its key", _remove),
    "ca": ("print the panel's own authority, which clients must trust", _ca),
    "client": ("issue a certificate for a client, and print it with its key, once", _client),
}
