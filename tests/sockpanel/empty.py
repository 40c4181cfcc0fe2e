"""The databases of a new panel, made once for each process of pytest and copied from then on: to make them takes a second of a core.

It knows no panel: `tests/services/test_databases.py` is about making them.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MAKE = "import django; django.setup(); from services import databases; databases.prepare()"
FILES = ("control.sqlite3", "messages.sqlite3", "databases.made")


def copy_to(directory: Path) -> None:
    """Empty databases, where there is nothing yet."""
    if not any(directory.iterdir()):
        for name in FILES:
            shutil.copy2(_made() / name, directory)


@cache
def _made() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="sp-empty-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SOCKPANEL_")}
    environment |= {"SOCKPANEL_DATA_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "sockpanel.settings"}
    subprocess.run([sys.executable, "-c", MAKE], cwd=CHECKOUT, env=environment, check=True, timeout=60)
    return directory
