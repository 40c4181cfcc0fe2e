"""What every test stands on: a data directory of its own, both databases as SQLite files in it, and four people.

Each pytest process (xdist starts several) has a directory under the system's temporary folder. It must be named in the
environment before Django's settings load: that is why the settings module is named here and not in pyproject.toml.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sockpanel.accounts.models import User

CHECKOUT = Path(__file__).resolve().parent.parent
OURS = ("DATABASE_URL", "MESSAGES_DATABASE_URL", "REDIS_URL")
PASSWORD = "correct horse battery staple"


def _own_surroundings() -> Path:
    """No setting of the person who runs the tests counts, and nothing of theirs is touched."""
    if "sockpanel.settings" in sys.modules:
        pytest.exit("DJANGO_SETTINGS_MODULE is set in your environment: unset it, tests name their own settings.", 2)
    for name in [name for name in os.environ if name.startswith("SOCKPANEL_") or name in OURS]:
        del os.environ[name]
    directory = Path(tempfile.mkdtemp(prefix="sp-tests-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ["SOCKPANEL_DATA_DIR"] = str(directory)
    os.environ["DJANGO_SETTINGS_MODULE"] = "sockpanel.settings"
    if server := os.environ.get("TESTS_POSTGRESQL"):  # tests.services.test_postgresql runs some of us there
        os.environ |= {"DATABASE_URL": f"{server}/control", "MESSAGES_DATABASE_URL": f"{server}/messages"}
    return directory


DATA_DIRECTORY = _own_surroundings()

import django  # noqa: E402 (only now: the settings read the environment)

django.setup()

from tests import haste, ports, turns  # noqa: E402 (it reads them, too)

haste.make_haste()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """xdist's workers must come here before their settings load, too: they inherit no settings module."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    os.environ[turns.PLACE] = turns.prepared()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """Tests that measure run beside one other at the most, or alone. To wait for that is no part of a test's own time."""
    if hasattr(item.config, "workerinput"):
        with turns.turn(item.path, alone=item.get_closest_marker("alone") is not None):
            return (yield)
    return (yield)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Pages name hashed static files, so what is collected must be current: no time when nothing changed."""
    if not hasattr(session.config, "workerinput"):  # once, not in each of xdist's workers
        subprocess.run([CHECKOUT / "run", "static"], check=False)  # tests/test_run.py says when it fails


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """SQLite in files, as in real life: in memory it has no WAL, and threads would share one connection."""
    from django.conf import settings

    for alias, database in settings.DATABASES.items():
        if "sqlite" not in database["ENGINE"]:
            continue
        database["TEST"]["NAME"] = DATA_DIRECTORY / f"test-{alias}.sqlite3"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The databases, with an audit that can be emptied behind each test."""
    from services.audit import guard

    with django_db_blocker.unblock():
        guard.take_down()


@pytest.fixture
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An empty data directory (0700) with a path short enough for UNIX sockets, for a process that the test starts."""
    directory = Path(tempfile.mkdtemp(prefix="sp-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def environment(data_directory: Path) -> dict[str, str]:
    """The environment for such a process."""
    return os.environ | {"SOCKPANEL_DATA_DIR": str(data_directory)}


# People. Their role is in their initial: Ada administers, Otto operates, Vera views. Nobody signed out has a name.


@pytest.fixture
def person(db: None) -> Callable[[str, str], "User"]:
    """Makes someone with a name and a role; the password is PASSWORD."""
    from sockpanel.accounts.models import User

    def make(name: str, role: str) -> User:
        return User.objects.create_user(name, password=PASSWORD, role=role)

    return make


@pytest.fixture
def ada(person: Callable[[str, str], "User"]) -> "User":
    """An admin."""
    return person("ada", "admin")


@pytest.fixture
def otto(person: Callable[[str, str], "User"]) -> "User":
    """An operator."""
    return person("otto", "operator")


@pytest.fixture
def vera(person: Callable[[str, str], "User"]) -> "User":
    """A viewer."""
    return person("vera", "viewer")


@pytest.fixture(scope="session")
def ipv6() -> None:
    """For tests that need ::1."""
    if "::1" not in ports.addresses_of_localhost():
        pytest.skip("this machine has no IPv6")
