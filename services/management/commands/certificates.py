"""`certificates list|make|upload|renew|remove|ca|client`: certificates for servers that speak TLS, and the panel's own authority.

A private key is read from a file and never printed, but for a client's, which is made for somebody else and kept nowhere.
"""

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from services import terminal
from services.errors import CertificateRefused, SockpanelError
from services.management.base import FAILED, SockpanelCommand, who
from services.management.certificate_verbs import EXAMPLES, VERBS
from services.models import Certificate
from services.tls import clients, own, pem, shelf, store
from services.tls.describe import describe

HEADINGS = ("name", "for", "issued by", "ends", "used by")


class Command(SockpanelCommand):
    help = "List, make, upload, renew and remove certificates of servers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EXAMPLES
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="|".join(VERBS))
        for verb, (what, add_options) in VERBS.items():
            add_options(verbs.add_parser(verb, help=what, description=f"{what[0].upper()}{what[1:]}."))

    def run(self, options: Mapping[str, Any]) -> None:
        getattr(self, f"do_{options['verb']}")(options)

    def do_list(self, options: Mapping[str, Any]) -> None:
        found = describe(shelf.listed())
        if options["json"]:
            self.say(terminal.as_json({"certificates": found}))
        elif found:
            self.say(terminal.table(HEADINGS, map(_row, found)))
        else:
            self.say("There are no certificates yet: certificates make NAME makes one.")

    def do_make(self, options: Mapping[str, Any]) -> None:
        made = store.make({"name": options["name"], "names": options["names"]}, who())
        self._tell(made, options, f"Made {made.name}: for {', '.join(made.names)}, until {made.ends_at:%Y-%m-%d}.")

    def do_upload(self, options: Mapping[str, Any]) -> None:
        purpose = "clients" if options["clients"] else "server"
        made = store.upload({"name": options["name"], "purpose": purpose, **_brought(options)}, who())
        self._tell(made, options, f"Took {made.name}: {made.subject}, until {made.ends_at:%Y-%m-%d}.")

    def do_renew(self, options: Mapping[str, Any]) -> None:
        if options["due"] == bool(options["names"]):
            raise CertificateRefused("Name the certificates, or give --due for those of the panel's own that end soon.")
        brought = _brought(options)
        if brought and len(options["names"]) != 1:
            raise CertificateRefused("Files are for one certificate: name it.")
        renewed, refused = _renewed(options["names"] or _due(), brought)
        if len(options["names"]) == 1:
            for error in refused.values():
                raise error
        self._tell_renewed(renewed, refused, options)
        if refused:
            sys.exit(FAILED)

    def _tell_renewed(
        self, renewed: list[Certificate], refused: Mapping[str, SockpanelError], options: Mapping[str, Any]
    ) -> None:
        for name, error in refused.items():
            self.warn(f"{name} was not renewed. {error.message}")
        if options["json"]:
            told = [{"name": name, "code": error.code, "detail": error.message} for name, error in refused.items()]
            self.say(terminal.as_json({"certificates": describe(renewed), "refused": told}))
            return
        for one in renewed:
            self.say(f"Renewed {one.name}: until {one.ends_at:%Y-%m-%d}. Servers that run with it take it up now.")
        if not renewed and not refused:
            self.say("None of the panel's own ends soon.")

    def do_remove(self, options: Mapping[str, Any]) -> None:
        store.remove(options["name"], who())
        said = terminal.as_json({"removed": options["name"]})
        self.say(said if options["json"] else f"Removed {options['name']} and its key.")

    def do_ca(self, options: Mapping[str, Any]) -> None:
        if options["names"] and not options["new"]:
            raise CertificateRefused("What an authority may vouch for is settled when it is made: give --new too.")
        row = own.make(options["names"], who()) if options["new"] else own.get(who())
        if options["json"]:
            self.say(terminal.as_json(describe([row])[0]))
        else:
            self.stdout.write(row.chain, ending="")

    def do_client(self, options: Mapping[str, Any]) -> None:
        issued = clients.issue(options["name"], who())
        if options["json"]:
            self.say(terminal.as_json({**issued._asdict(), "ends_at": issued.ends_at.isoformat()}))
        else:
            self.stdout.write(issued.certificate + issued.key, ending="")

    def _tell(self, row: Certificate, options: Mapping[str, Any], sentence: str) -> None:
        self.say(terminal.as_json(describe([row])[0]) if options["json"] else terminal.plain(sentence))


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    ends = str(one["ends_at"])[:10] + {"valid": "", "ending": " (soon)", "ended": " (over)"}[one["state"]]
    what = ", ".join(one["names"]) or {"clients": "clients", "authority": "authority"}.get(one["purpose"], "")
    by = "this panel" if one["is_own"] else one["issuer"]
    return one["name"], terminal.plain(what), terminal.plain(by), ends, ", ".join(one["used_by"])


def _renewed(names: list[str], brought: Mapping[str, str]) -> tuple[list[Certificate], dict[str, SockpanelError]]:
    """Each by itself: one that is refused must not let the others end."""
    renewed, refused = [], {}
    for name in names:
        try:
            renewed.append(store.renew(name, brought, who()))
        except SockpanelError as error:
            refused[name] = error
    return renewed, refused


def _due() -> list[str]:
    """Those of the panel's own authority that end within 21 days, or have ended."""
    return [one["name"] for one in describe(Certificate.objects.filter(is_own=True)) if one["state"] != "valid"]


def _brought(options: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the files that were named. Raises CertificateRefused."""
    found = {field: _text(options[field]) for field in ("chain", "key") if options.get(field)}
    if "ENCRYPTED" in found.get("key", ""):
        found["password"] = _passphrase(options)
    return found


def _passphrase(options: Mapping[str, Any]) -> str:
    if options.get("passphrase_file"):
        return _text(options["passphrase_file"]).rstrip("\r\n")
    return getpass.getpass("Passphrase of the key: ") if sys.stdin.isatty() else ""


def _text(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(pem.MAX_TEXT + 1).decode("utf-8", "replace")
    except OSError as error:
        raise CertificateRefused(f"{path} cannot be read ({error.strerror or error}): check the path.") from None
