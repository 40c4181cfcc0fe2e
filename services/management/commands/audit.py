"""`audit verify|list|cut`: who did what, and whether the chain of entries is what it was."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from services import numbers, terminal
from services.audit import cutting, entries, evidence, heads, verifying
from services.errors import AuditBroken, RequestRefused
from services.management.base import FAILED, SockpanelCommand, who

LINES = 20
EPILOG = """examples:
  manage.py audit verify
  journalctl -o cat -u sockpanel | manage.py audit verify --log -
  manage.py audit list --who ada --verb server --since 2026-11-01
exit codes: 0 it is what it was, 1 it is not (the first wrong entry is named) or its evidence is gone, 2 wrong usage"""


class Command(SockpanelCommand):
    help = "Read the audit, and check that nobody has changed it."
    stores = ("default",)  # a copy of the control database holds all of it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = EPILOG
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="verify|list|cut")
        _add_verify(verbs.add_parser("verify", help="check every entry, and the heads that were told to the log"))
        _add_list(verbs.add_parser("list", help="the newest entries, the newest last"))
        _add_cut(verbs.add_parser("cut", help="move the oldest entries into a file"))

    def run(self, options: Mapping[str, Any]) -> None:
        {"verify": self._verify, "list": self._list, "cut": self._cut}[options["verb"]](options)

    def _cut(self, options: Mapping[str, Any]) -> None:
        path: Path = options["to"]
        count = cutting.cut(_micros(options["before"]) or 0, path, who())
        if count:
            self._note_head()
        if options["json"]:
            self.say(terminal.as_json({"cut": count, "file": str(path) if count else None}))
        else:
            self.say(f"{count:,} entries went into {path}." if count else "No entry is that old: nothing was cut.")

    def _note_head(self) -> None:
        """Those that were told may all be of entries that went."""
        try:
            heads.note(Path(settings.SOCKPANEL_DATA_DIR), "cut")
        except OSError as error:
            self.warn(
                f"{heads.FILE} cannot be written ({error.strerror}): the supervisor tells the head within an hour."
            )

    def _verify(self, options: Mapping[str, Any]) -> None:
        directory = Path(settings.SOCKPANEL_DATA_DIR)
        log = [head for path in options["log"] for head in heads.read(_lines(path))] if options["log"] else None
        try:
            found = verifying.verify([*evidence.told(directory), *(log or ())])
        except AuditBroken as error:
            if options["json"]:
                self.say(terminal.as_json({"ok": False, "entry": error.entry, "detail": error.message}))
            self.fail(error.message, FAILED)
        against = evidence.against(directory, found, log)
        self._say_verdict(found, against, options["json"])
        for sentence in against or evidence.beside(directory, found, log):
            self.warn(sentence)
        if against:
            sys.exit(FAILED)

    def _say_verdict(self, found: verifying.Verdict, against: list[str], as_json: bool) -> None:
        if as_json:
            verdict = {"ok": False, "entry": None, "detail": " ".join(against)} if against else {"ok": True}
            self.say(terminal.as_json(verdict | msgspec.to_builtins(found)))
            return
        chain = "make an unbroken chain" if against else "are what they were"
        self.say(
            f"{found.entries:,} entries, {found.first:,} to {found.last:,}, {chain}; "
            f"{found.heads:,} told heads agree. Head: {found.last} {found.hash}"
        )

    def _list(self, options: Mapping[str, Any]) -> None:
        wanted = entries.Filter(
            limit=options["lines"],
            who=options["who"] or "",
            server=options["server"] or "",
            verb=options["what"] or "",
            refused=options["refused"],
            since=_micros(options["since"]),
            until=_micros(options["until"]),
        )
        found, _ = entries.listed(wanted)
        for entry in reversed(found):
            told = entries.told(entry)
            self.say(terminal.as_json_line(told) if options["json"] else line(told))


def line(told: Mapping[str, Any]) -> str:
    """One entry on one line."""
    parts = [told["at"], f"{told['id']}", told["who"] or "-", told["verb"], told["server"], told["what"]]
    parts += ["; ".join(map(_change, entries.changes(told))), f"[{told['code']}]" if told["code"] else ""]
    if told["size"]:
        parts.append(f"{told['size']:,} B {terminal.visible(told['data'], 100)}")
    parts += [_origin(told), f"[NOT AS IT WAS WRITTEN: {told['fault']}]" if told["fault"] else ""]
    return terminal.plain(" ".join(part for part in parts if part))


def _origin(told: Mapping[str, Any]) -> str:
    """`(api 192.0.2.7, token 3 nightly test)`."""
    came, token = " ".join(filter(None, (told["way"], told["source"]))), told["token"]
    parts = [came, f"token {token['id']} {token['name']}".rstrip() if token else ""]
    return f"({', '.join(filter(None, parts))})" if any(parts) else ""


def _change(one: entries.Change) -> str:
    return f"{one.field}: {one.new}" if one.old is None else f"{one.field}: {one.old} -> {one.new}"


def _add_verify(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="FILE",
        help="a log that was kept elsewhere: the heads in it are compared, too; - is standard input",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument("--who", metavar="NAME", help="what this person did")
    parser.add_argument("--verb", dest="what", metavar="VERB", help="such as server.start, or server for all of those")
    parser.add_argument("--server", metavar="NAME")
    parser.add_argument("--since", metavar="TIME", help="such as 2026-11-21 or 2026-11-21T10:00Z; UTC")
    parser.add_argument("--until", metavar="TIME")
    parser.add_argument("--refused", action="store_true", help="only what was refused or failed")
    parser.add_argument(
        "-n", "--lines", type=numbers.argument, default=LINES, metavar="N", help=f"the newest so many; {LINES}"
    )
    parser.add_argument("--json", action="store_true", help="a JSON object for each entry, on a line of its own")


def _add_cut(parser: ArgumentParser) -> None:
    parser.add_argument("--before", required=True, metavar="TIME", help="what is older goes; such as 2026-01-01; UTC")
    parser.add_argument("--to", required=True, type=Path, metavar="FILE", help="a file that is not there yet")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _lines(path: str) -> Iterator[str]:
    if path == "-":
        yield from sys.stdin
        return
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError as error:
        raise RequestRefused(f"{path} cannot be read ({error.strerror}): name a log file.") from None


def _micros(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RequestRefused(f"{text!r} is no time: write one such as 2026-11-21 or 2026-11-21T10:00Z.") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)
