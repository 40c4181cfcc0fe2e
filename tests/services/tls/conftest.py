"""A data directory of its own for each test: keys lie there."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"
