"""Where the running panel is, for commands that know neither its --port nor its environment: a small file in the data directory.

It is there while the panel is. One that a killed panel left behind is not believed: its process is gone.

    with panel_address.told("http://127.0.0.1:8123"):   # the panel
        serve()
    panel_address.found()                               # a command: that address, or None
    panel_address.port()                                # 8123, or None
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from services.supervisor.process import process_start


@contextmanager
def told(address: str) -> Iterator[None]:
    """Tell where this process's panel is, as long as it lasts; of two panels on the same data, the first one's."""
    if found() is None:
        own = {"pid": os.getpid(), "process_start": process_start(os.getpid())}
        _write({"address": address, "port": settings.SOCKPANEL_PORT, **own})
    try:
        yield
    finally:
        if _read().get("pid") == os.getpid():
            path().unlink(missing_ok=True)


def found() -> str | None:
    """The address of the panel that runs on this data; None when none does."""
    address = _believed().get("address")
    return address if isinstance(address, str) else None


def port() -> int | None:
    """The port that it listens at, which is not that of its address where a proxy stands before it."""
    number = _believed().get("port")
    return number if isinstance(number, int) else None


def _believed() -> dict[str, object]:
    """What is said, if whoever said it runs."""
    said = _read()
    pid, start = said.get("pid"), said.get("process_start")
    if not isinstance(pid, int) or start is None or process_start(pid) != start:
        return {}
    return said


def path() -> Path:
    return Path(settings.SOCKPANEL_DATA_DIR) / "panel-address"


def _write(said: dict[str, object]) -> None:
    draft = path().with_name(f"panel-address.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(said, file)
    draft.rename(path())


def _read() -> dict[str, object]:
    try:
        said = json.loads(path().read_text())
    except (OSError, ValueError):  # not there, or no text of ours
        return {}
    return said if isinstance(said, dict) else {}
