"""What ./run decides; what it calls is fake, and only writes down what it was asked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fake_checkout import NODE, PYTHON, Checkout
from tests.sources import CHECKOUT

FIRST = [
    "python -m venv --clear .venv",
    "python -m pip install requirements.txt",
    "npm ci --omit=dev",
    "python manage.py collectstatic",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    assert checkout.run("setup").returncode == 0
    return checkout


def test_a_fresh_clone_is_set_up_in_order(checkout: Checkout):
    assert checkout.did("setup") == FIRST


def test_a_second_start_only_starts(ready: Checkout):
    assert ready.did() == ["python manage.py up"]


def test_options_are_handed_to_up(ready: Checkout):
    assert ready.did("--port", "9000") == ["python manage.py up --port 9000"]


def test_a_python_that_is_too_old_is_named(checkout: Checkout):
    done = checkout.run(answer="old")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer and found 3.11 (/fake/python3): install one" in done.stderr


def test_no_python_at_all_is_said(checkout: Checkout):
    (checkout.bin / "python3").unlink()
    done = checkout.run()
    assert done.returncode == 1
    assert "needs Python 3.11 or newer and found none: install one" in done.stderr


def test_an_old_python_is_passed_over_for_a_newer_one(checkout: Checkout):
    checkout.program("python3.12", PYTHON)
    checkout.program("python3", PYTHON.replace("$ANSWER", "old"))
    assert checkout.did("setup") == FIRST


def test_a_python_without_venv_names_the_package(checkout: Checkout):
    done = checkout.run(answer="bare")
    assert done.returncode == 1
    assert (
        "Python 3.11 (/fake/python3) cannot make virtual environments: run apt-get install python3-venv" in done.stderr
    )


def test_a_failing_pip_is_told_and_taken_up_again(checkout: Checkout):
    done = checkout.run("setup", failing="requirements.txt")
    assert done.returncode == 1
    assert "The Python packages could not be installed (see above): check the network" in done.stderr
    assert checkout.did("setup") == FIRST[1:]


def test_a_failing_npm_is_told_and_taken_up_again(checkout: Checkout):
    done = checkout.run("setup", failing="npm")
    assert done.returncode == 1
    assert "The front end's packages could not be installed (npm ci, see above)" in done.stderr
    assert checkout.did("setup") == FIRST[2:]


def test_a_failing_collectstatic_is_told_and_taken_up_again(checkout: Checkout):
    done = checkout.run("setup", failing="collectstatic")
    assert done.returncode == 1
    assert "The static files could not be collected (see above)." in done.stderr
    assert checkout.did("setup") == FIRST[3:]


def test_a_killed_pip_is_begun_anew_with_a_new_environment(ready: Checkout):
    ready.write(".build/stamps/python.unfinished", "")
    (ready.folder / ".build/stamps/python.run").unlink()
    assert ready.did("setup") == FIRST[:2]


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ("static/js/rows.js", FIRST[3:]),
        ("static/js/new.js", FIRST[3:]),
        ("sockpanel/vendor.py", FIRST[3:]),
        ("package-lock.json", FIRST[2:]),
        ("package.json", FIRST[2:3]),
        ("requirements.txt", [FIRST[1], FIRST[3]]),
        ("requirements-dev.txt", []),
        ("sockpanel/settings.py", []),
    ],
)
def test_only_what_changed_is_set_up_again(ready: Checkout, changed: str, done: list[str]):
    ready.write(changed, "changed")
    assert ready.did("setup") == done
    assert ready.did("setup") == []


@pytest.mark.parametrize(
    ("removed", "done"),
    [(".venv", FIRST[:2]), ("node_modules", FIRST[2:3]), (".build/static", FIRST[3:]), (".build", FIRST[1:])],
)
def test_what_was_removed_is_made_again(ready: Checkout, removed: str, done: list[str]):
    shutil.rmtree(ready.folder / removed)
    assert ready.did("setup") == done


@pytest.mark.parametrize("name", ["DATABASE_URL", "MESSAGES_DATABASE_URL", "REDIS_URL"])
def test_other_databases_and_redis_bring_their_packages(ready: Checkout, name: str):
    assert ready.did("setup", **{name: "x"}) == ["python -m pip install requirements-extras.txt"]
    assert ready.did("setup", **{name: "x"}) == []
    assert ready.did("setup") == []


def test_tests_bring_their_packages_and_a_later_start_keeps_them(ready: Checkout):
    ready.program("chromium", NODE)
    assert ready.did("test", "-k", "framing") == [
        "python -m pip install requirements-dev.txt",
        "npm ci --include=dev",
        "python -m pytest -n 3 --dist loadfile --max-worker-restart -k framing",
    ]
    assert ready.did() == ["python manage.py up"]


def test_a_failing_test_fails_the_run(ready: Checkout):
    ready.program("chromium", NODE)
    assert ready.run("test", failing="pytest").returncode == 1


def test_without_chromium_the_browser_tests_are_said_to_be_skipped(ready: Checkout):
    done = ready.run("test")
    assert "There is no Chromium here, so the browser tests are skipped: install it" in done.stderr
    assert done.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_without_chromium_root_installs_it(ready: Checkout):
    ready.program("apt-get", '#!/usr/bin/env bash\nprintf "apt-get %s\\n" "$*" >>"$LOG"\n')
    assert ready.did("test")[2] == "apt-get install -y chromium fonts-dejavu-core"


def test_settings_do_not_reach_the_set_up(checkout: Checkout):
    checkout.run("setup", SOCKPANEL_PORT="nonsense", SOCKPANEL_DATA_DIR=str(checkout.folder / "data"))
    assert "settings SOCKPANEL_DATA_DIR" in checkout.log.read_text().splitlines()
    assert not (checkout.folder / "data").exists()


def test_without_a_node_one_is_fetched_and_thrown_away(checkout: Checkout):
    (checkout.bin / "npm").unlink()
    assert checkout.did("setup") == [
        *FIRST[:2],
        "python -m pip install requirements-node.txt",
        "npm ci --omit=dev",
        FIRST[3],
    ]
    assert not (checkout.folder / ".build/node").exists()


@pytest.mark.parametrize("word", ["help", "--help", "-h"])
def test_help_lists_every_command_and_sets_nothing_up(checkout: Checkout, word: str):
    done = checkout.run(word)
    for command in ("setup", "static", "test", "check", "bench", "help"):
        assert f"./run {command}" in done.stdout
    assert not checkout.log.exists()


def test_a_word_it_does_not_know_is_refused(checkout: Checkout):
    done = checkout.run("tests")
    assert done.returncode == 2
    assert "./run does not know 'tests'." in done.stderr
    assert not checkout.log.exists()


def test_it_may_be_called_from_anywhere(ready: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(os.sep)
    assert ready.did() == ["python manage.py up"]


def test_the_static_files_of_this_checkout_can_be_collected():
    assert subprocess.run([CHECKOUT / "run", "static"], check=False).returncode == 0
