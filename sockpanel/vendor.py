"""Third-party files for the browser: chosen files of node_modules, served as static files under vendor/.

An allow-list, for whole packages would be thousands of files. `npm ci` (./run setup) brings them; `check` says so when
it has not run. It knows no page.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage, Storage

# name under vendor/ -> path under node_modules. A file that names a source map comes with it, or collectstatic fails.
FILES = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler/tabler.min.css.map": "@tabler/core/dist/css/tabler.min.css.map",
    "uplot/uPlot.esm.js": "uplot/dist/uPlot.esm.js",
    "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
    "xterm/xterm.css": "@xterm/xterm/css/xterm.css",
    "xterm/xterm.mjs": "@xterm/xterm/lib/xterm.mjs",
    "xterm/xterm.mjs.map": "@xterm/xterm/lib/xterm.mjs.map",
    "xterm/addon-fit.mjs": "@xterm/addon-fit/lib/addon-fit.mjs",
    "xterm/addon-fit.mjs.map": "@xterm/addon-fit/lib/addon-fit.mjs.map",
    "xterm/addon-search.mjs": "@xterm/addon-search/lib/addon-search.mjs",
    "xterm/addon-search.mjs.map": "@xterm/addon-search/lib/addon-search.mjs.map",
}
# part of the site ("": every page) -> bare name in our modules -> name under vendor/
MODULES: dict[str, dict[str, str]] = {
    "": {"uplot": "uplot/uPlot.esm.js"},
    "commands": {
        "@xterm/xterm": "xterm/xterm.mjs",
        "@xterm/addon-fit": "xterm/addon-fit.mjs",
        "@xterm/addon-search": "xterm/addon-search.mjs",
    },
}

Messages = list[CheckMessage]  # named here, for a finder has a method `list`


class VendorFinder(BaseFinder):
    """Finds vendor/NAME for every NAME in FILES, and nothing else."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = self._existing(path.removeprefix("vendor/")) if path.startswith("vendor/") else None
        if find_all:
            return [str(found)] if found else []
        return str(found) if found else None

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, Storage]]:
        """The files, as collectstatic wants them: the name to copy to and a storage that opens it."""
        for name in FILES:
            if self._existing(name):
                yield name, _VendorStorage()

    def check(self, **kwargs: Any) -> Messages:
        missing = [path for path in FILES.values() if not (settings.SOCKPANEL_NODE_MODULES / path).is_file()]
        if not missing:
            return []
        return [
            Error(
                f"The front end's packages are not installed: node_modules/{missing[0]} is missing.",
                hint="Run ./run setup, which calls npm ci.",
                id="sockpanel.E101",
            )
        ]

    def _existing(self, name: str) -> Path | None:
        if name not in FILES:
            return None
        path: Path = settings.SOCKPANEL_NODE_MODULES / FILES[name]
        return path if path.is_file() else None


class _VendorStorage(FileSystemStorage):
    """Opens a file of FILES by its name there; collectstatic puts `prefix` before that name."""

    prefix = "vendor"

    def __init__(self) -> None:
        super().__init__(location=settings.SOCKPANEL_NODE_MODULES)

    def path(self, name: str) -> str:
        return super().path(FILES[name])
