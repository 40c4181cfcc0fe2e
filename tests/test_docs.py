"""The docs are complete: every setting, kind, preset, command and error code stands in them, and nothing that is gone does."""

import re
import tomllib
from collections import Counter

import msgspec
import pytest
from django.core.management import get_commands, load_command_class

from services import errors
from services.presets import PRESETS
from services.servers.report import DROPPED, RULES, SENT_DROPPED
from services.servers.spec import TRANSPORTS, Limits
from services.version import VERSION
from tests.sources import CHECKOUT, PACKAGES, sources

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
DOCS = README + "".join(path.read_text(encoding="utf-8") for path in sorted((CHECKOUT / "docs").glob("**/*.md")))
LIMITS = (CHECKOUT / "docs" / "limits.md").read_text(encoding="utf-8")
ERRORS = (CHECKOUT / "docs" / "errors.md").read_text(encoding="utf-8")

RELIABILITY = (CHECKOUT / "docs" / "reliability.md").read_text(encoding="utf-8")
SECURITY = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")

SETTING = re.compile(r"SOCKPANEL_[A-Z_]*[A-Z]|(MESSAGES_)?DATABASE_URL|REDIS_URL")
# Between a process of ours and its child: nobody sets them
INNER = {"SOCKPANEL_LIFELINE", "SOCKPANEL_LISTENING"}


def settings_read() -> list[str]:
    strings = {string for source in sources(*PACKAGES) for string in source.strings}
    return sorted(string for string in strings - INNER if SETTING.fullmatch(string))


def commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if str(app).split(".")[0] in PACKAGES)


@pytest.mark.parametrize("name", settings_read())
def test_every_setting_that_is_read_stands_in_the_table_of_the_readme(name: str):
    assert f"| `{name}` |" in README


def test_the_table_of_settings_names_none_that_is_not_read():
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)) == set(settings_read())


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented(name: str):
    assert f"`{name}" in DOCS or f"manage.py {name}" in DOCS


@pytest.mark.parametrize(("name", "verb"), sorted(set(re.findall(r"manage\.py ([a-z_]+) ([a-z][a-z-]*)", DOCS))))
def test_every_command_line_names_a_verb_that_there_is(name: str, verb: str):
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    verbs = {choice for action in parser._actions for choice in action.choices or ()}
    assert not verbs or verb in verbs


@pytest.mark.parametrize("name", [*TRANSPORTS, *PRESETS])
def test_every_kind_and_preset_is_documented(name: str):
    assert f"`{name}`" in DOCS


def test_every_error_has_its_line_and_every_line_its_error():
    ours = {kind.code for kind in every_error()}
    assert set(re.findall(r"^\| `(SP-\d{4})` \|", ERRORS, re.MULTILINE)) == ours


def test_no_two_errors_share_a_code():
    counted = Counter(kind.code for kind in every_error())
    assert [code for code, count in counted.items() if count > 1] == []


def every_error() -> list[type[errors.SockpanelError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.SockpanelError)]


def first_cells(title: str) -> set[str]:
    """What stands in code type in the first cell of each row, in the chapter of docs/limits.md with this title."""
    chapter = LIMITS.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([a-z_-]+)` \|", chapter, re.MULTILINE))


def test_every_limit_stands_in_the_docs_with_its_default():
    assert first_cells("The limits") == set(Limits.__struct_fields__)
    for field, default in msgspec.structs.asdict(Limits()).items():
        shown = {bool: "no", tuple: ""}.get(type(default)) if not default else f"{default:,.0f}"
        assert f"| `{field}` | {shown if shown is not None else 0} |".replace("|  |", "| |") in LIMITS


def test_every_rule_and_every_reason_for_a_loss_stands_in_the_docs():
    assert first_cells("What a server tells") == set(RULES)
    assert first_cells("The account") == set(DROPPED) | set(SENT_DROPPED)


def test_every_failure_names_a_test_that_there_is():
    """A row without one would be a promise that nobody has looked at."""
    assert unshown(RELIABILITY, "what fails") == []


def test_every_promise_names_a_test_that_there_is():
    assert unshown(SECURITY.partition("## What is promised")[2].partition("\n## ")[0], "promise") == []


def unshown(text: str, heading: str) -> list[str]:
    """The rows of a table without a test, and the tests that there are not."""
    rows = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith(f"| {heading}")]
    named = [re.findall(r"`(tests/\S+\.py)::(\w+)`", row) for row in rows]
    without = [row for row, tests in zip(rows, named, strict=True) if not tests]
    return without + [f"{path}::{name}" for tests in named for path, name in tests if name not in names_in(path)]


def names_in(path: str) -> set[str]:
    file = CHECKOUT / path
    return (
        set(re.findall(r"^(?:async )?def (test_\w+)", file.read_text(encoding="utf-8"), re.M))
        if file.exists()
        else set()
    )


def test_no_merge_was_left_half_done():
    """Of what nothing else reads: Python and script would not even load."""
    read = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md"]
    read += [path for folder in ("docs", "templates", "static/css") for path in (CHECKOUT / folder).rglob("*.*")]
    texts = {path: path.read_text(encoding="utf-8") for path in read if path.suffix in (".md", ".html", ".css")}
    assert [path for path, text in texts.items() if re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE)] == []


def test_every_word_of_run_is_in_the_readme():
    words = re.findall(r"^\./run (\w+)", (CHECKOUT / "run").read_text(), re.MULTILINE)
    assert [word for word in words if f"`./run {word}" not in README] == []


def test_every_folder_of_the_checkout_is_on_the_map():
    folders = [path.name for path in CHECKOUT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))]
    assert [name for name in folders if name not in ("node_modules", "var") and f"`{name}/`" not in README] == []


def test_one_version_is_told_everywhere():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert re.search(r"^## (\S+)", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == VERSION
