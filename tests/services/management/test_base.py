"""Whatever goes wrong in a command is one line on stderr and exit code 1."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import django.db
import pytest

from services import databases
from services.errors import ConfigurationRefused, DatabaseBehind, ServerUnknown
from services.management import base
from services.management.base import SockpanelCommand, who

Run = Callable[[Exception | type[BaseException]], Any]


class Failing(SockpanelCommand):
    """A command that meets a failure."""

    needs_databases = False

    def __init__(self, error: BaseException | type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def run(self, options: Mapping[str, Any]) -> None:
        raise self.error


def run(command: SockpanelCommand, *words: str) -> int:
    with pytest.raises(SystemExit) as end:
        command.run_from_argv(["manage.py", "failing", *words])
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ServerUnknown("There is no server named 'x': look."), "There is no server named 'x': look.\n"),
        (ServerUnknown("two\nlines \x1b[31m"), "two lines \\x1b[31m\n"),
        (ConfigurationRefused("?", problems={"port": "No.", "host": "No."}), "port: No. host: No.\n"),
    ],
)
def test_a_failure_is_one_line_and_exit_code_1(capsys: Any, error: Exception, line: str) -> None:
    assert run(Failing(error)) == 1
    assert capsys.readouterr() == ("", line)


def test_a_database_that_refuses_is_a_line_that_names_traceback(capsys: Any) -> None:
    assert run(Failing(django.db.OperationalError("disk I/O error"))) == 1
    assert capsys.readouterr().err.startswith("The database refused: disk I/O error.")


def test_ctrl_c_is_exit_code_130_without_a_word(capsys: Any) -> None:
    assert run(Failing(KeyboardInterrupt)) == 130
    assert capsys.readouterr() == ("", "")


def test_with_traceback_the_failure_itself_is_seen() -> None:
    with pytest.raises(ServerUnknown):
        Failing(ServerUnknown("x")).run_from_argv(["manage.py", "failing", "--traceback"])


def test_a_database_that_was_not_migrated_is_one_line_that_names_the_command(capsys: Any, monkeypatch: Any) -> None:
    def behind(_: object) -> None:
        raise DatabaseBehind("The databases are not up to date: run `manage.py up`.")

    monkeypatch.setattr(databases, "require_current", behind)
    command = Failing(AssertionError)
    command.needs_databases = True
    assert run(command) == 1
    assert capsys.readouterr().err == "The databases are not up to date: run `manage.py up`.\n"


def test_the_history_tells_the_command_line_from_the_panel(monkeypatch: Any) -> None:
    monkeypatch.setattr(base.getpass, "getuser", lambda: "ada")
    assert who() == "ada (command line)"


def test_a_user_without_a_name_has_a_number(monkeypatch: Any) -> None:
    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(base.getpass, "getuser", nobody)
    assert who() == f"uid {os.getuid()} (command line)"


async def test_a_pipe_that_closes_early_is_no_failure(begin: Any) -> None:
    running = await begin("runservice", "--list")
    running.process.stdout._transport.close()
    done = await running.process.wait()
    assert (done, await running.errors()) == (0, "")
    assert sys.stdout
