"""The real panel as a subprocess, for tests that speak to it as a browser, a script or an attacker would.

def test_something(panel):                  # one for the whole session: `manage.py up` with an admin
    visitor = panel.login()                 # signed in as that admin; panel.visitor() is signed out
    answer = visitor.get("/servers/")       # .status, .headers, .text, .json()
    visitor.post("/api/v1/servers", json={"preset": "echo", "name": "lab"})     # cookie and CSRF token go along

def test_an_own_one(start_panel):           # ended with the test
    panel = start_panel(command="web", SOCKPANEL_ORIGINS="https://panel.example.org")
    panel.stop()                            # its exit code

Also: panel.base_url, host, port, data_dir, username, password, token (a Bearer token), log(), manage("servers", "list"), children().
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sockpanel import certificates
from tests.sockpanel.panel import Panel


@pytest.fixture(scope="session")
def panel() -> Iterator[Panel]:
    """`manage.py up`, ready, on a free port with a data directory of its own."""
    running = Panel()
    running.start()
    yield running
    running.end()


@pytest.fixture
def start_panel() -> Iterator[Callable[..., Panel]]:
    """Starts a panel with settings of its own: start_panel(command="web", admin=False, ready=True, SOCKPANEL_X=...)."""
    started: list[Panel] = []

    def start(*, ready: bool = True, **words: Any) -> Panel:
        started.append(Panel(**words))
        started[-1].start(ready=ready)
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The paths of a certificate for 127.0.0.1 and of its key."""
    return certificates.write(tmp_path_factory.mktemp("tls"))
