"""docs/live.md names every frame, close code, file and address."""

import re
from pathlib import Path

import pytest

from sockpanel.live import routing, wire

FOLDER = Path(wire.__file__).parent
TEXT = (FOLDER.parents[1] / "docs" / "live.md").read_text()
SOURCES = {path.name: path.read_text() for path in FOLDER.glob("*.py")}
CODES = [wire.SIGNED_OUT, wire.NOT_ALLOWED, wire.UNKNOWN, wire.NO_PROGRESS, wire.TOO_MUCH, wire.RESTART]
FRAMES = sorted({kind for text in SOURCES.values() for kind in re.findall(r'"type": ?"(\w+)"', text)})


@pytest.mark.parametrize("code", CODES)
def test_every_close_code_has_its_line(code: int) -> None:
    assert f"| {code} |" in TEXT


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_has_its_line(kind: str) -> None:
    assert f"| `{kind}` |" in TEXT


@pytest.mark.parametrize("kind", ["follow", "ack", "cancel"])
def test_what_a_client_may_say_is_told(kind: str) -> None:
    assert f'{{"type": "{kind}"' in TEXT


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"__init__.py", "routing.py", "seat.py"}))
def test_every_file_is_told(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_every_address_is_told() -> None:
    for route in routing.urlpatterns:
        assert f"`/{str(route.pattern).replace('<str:name>', 'NAME').replace('<int:id>', 'ID')}`" in TEXT
