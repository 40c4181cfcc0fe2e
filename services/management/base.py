"""The base of the commands: a failure is one line on stderr and exit code 1, wrong usage is 2; what is printed harms no terminal.

class Command(SockpanelCommand):
    help = "..."
    def run(self, options): ...
"""

import argparse
import getpass
import os
import sys
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import django.db
from django.core.management.base import BaseCommand, CommandParser

from services import audit, databases, terminal
from services.errors import ConfigurationRefused, DatabaseDamaged, RequestRefused, SockpanelError, TextMalformed

FAILED, USAGE = 1, 2
INTERRUPTED = 130  # what a shell reports for SIGINT


class SockpanelCommand(BaseCommand):
    """A command of Sockpanel. It needs up-to-date databases unless it says otherwise."""

    needs_databases = True
    stores: Collection[str] = tuple(databases.NAMES)  # which of them
    requires_system_checks: list[str] = []  # a command answers at once; the checks belong to the start of the panel
    suppressed_base_arguments = {"--version", "-v", "--settings", "--pythonpath", "--no-color", "--force-color"}
    interrupted = INTERRUPTED  # exit code at Ctrl-C

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Examples at the end of the help keep their lines."""
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter shows its number
        try:
            self._run(options)
        except SockpanelError as error:
            if options.get("traceback"):
                raise
            if options.get("json"):
                self.say(terminal.as_json({"code": error.code, "detail": error.message}))
            self.fail(_sentence(error), USAGE if isinstance(error, RequestRefused | TextMalformed) else FAILED)
        except django.db.Error as error:
            if options.get("traceback"):
                raise
            failure = databases.failure(error)
            if isinstance(failure, DatabaseDamaged):
                self.fail(failure.message)
            self.fail(f"The database refused: {error}. Run the command again with --traceback to see where.")
        except KeyboardInterrupt:
            sys.exit(self.interrupted)
        except BrokenPipeError:  # `| head` has seen enough
            terminal.forget(sys.stdout)

    def _run(self, options: Mapping[str, Any]) -> None:
        if self.needs_databases:
            databases.require_current(self.stores)
        with audit.coming_from("command line"):
            self.run(options)
        sys.stdout.flush()

    def run(self, options: Mapping[str, Any]) -> None:
        """What the command does. A SockpanelError ends it."""
        raise NotImplementedError

    def say(self, text: str = "") -> None:
        """A line or several on standard output, at once; what is printed as it is goes by `terminal.write_raw`."""
        self.stdout.write(terminal.harmless(text))
        self.stdout.flush()

    def warn(self, sentence: str) -> None:
        """One line on stderr."""
        self.stderr.write(terminal.plain(sentence))

    def fail(self, sentence: str, code: int = FAILED) -> NoReturn:
        """One line on stderr, and the end."""
        self.warn(sentence)
        sys.exit(code)


def _sentence(error: SockpanelError) -> str:
    """A configuration's problems each with their field, for on a command line nothing stands beside it."""
    problems = error.problems if isinstance(error, ConfigurationRefused) else {}
    told = (sentence if field in sentence else f"{field}: {sentence}" for field, sentence in problems.items())
    return " ".join(told) or error.message


def who() -> str:
    """Who asks, for the history: the user of this machine, told apart from the panel's."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return f"uid {os.getuid()} (command line)"
