"""What somebody may put in the place of a file so that it cannot be read."""

import os
from pathlib import Path

from services.audit import word

ODD = ("folder", "full folder", "link", "pipe")


def put_odd(directory: Path, kind: str) -> None:
    path = directory / word.FILE
    if "folder" in kind:
        path.mkdir()
    if kind == "full folder":
        (path / "something").touch()
    if kind == "link":
        path.symlink_to(directory / "elsewhere")
    if kind == "pipe":
        os.mkfifo(path)
