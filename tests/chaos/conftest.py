"""One panel with workers that can be told to misbehave, for each file that asks for `tamed`: without any server before and after."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.tamed import INJECTED, Tamed
from tests.sockpanel.panel import Panel
from tests.waiting import eventually


@pytest.fixture(scope="module")
def tamed_panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tamed]:
    with tempfile.TemporaryDirectory(prefix="sp-chaos-") as chaos:
        panel = Panel(PYTHONPATH=str(INJECTED), PYTHON_CHAOS=chaos)
        scene = Tamed(panel, tmp_path_factory.mktemp("ledgers"), Path(chaos))
        panel.start()
        try:
            eventually(scene.is_supervised, 30)
            yield scene
        finally:
            panel.end()


@pytest.fixture
def tamed(tamed_panel: Tamed) -> Iterator[Tamed]:
    """Without any server before and after."""
    yield tamed_panel
    for file in tamed_panel.chaos.iterdir():
        file.unlink()
    tamed_panel.remove_all()
