"""Private keys of certificates, each a file in `<data>/tls/` that only its owner reads, named after its public half.

A name that says which key is inside needs no book that could be wrong. It knows no certificate.

    keep(public, text)
    text = read(public)  # raises CertificateUnusable
"""

import contextlib
import logging
import os
import re
import secrets
import stat
import time
from pathlib import Path

from django.conf import settings

from services.errors import CertificateUnusable
from services.storage import places

logger = logging.getLogger(__name__)

FOLDER = "tls"
UNNAMED = "unnamed"  # a folder in it: keys that no certificate of the database names
MAX_BYTES = 64 * 1024
_KEY = re.compile(r"([0-9a-f]{64})\.key")
_DRAFT = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]{16}")


def path_of(public: str) -> Path:
    return _folder() / f"{public}.key"


def _folder() -> Path:
    return Path(settings.SOCKPANEL_DATA_DIR) / FOLDER


def keep(public: str, text: str) -> None:
    """Whole or not at all, and on the disk when it returns. Raises CertificateUnusable."""
    path = path_of(public)
    draft = path.with_name(f".{public}.{secrets.token_hex(8)}")
    try:
        _make_folder(path.parent)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            places.give_to_owner(Path(settings.SOCKPANEL_DATA_DIR), draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        places.sync(path.parent)
    except OSError as error:
        raise _unusable(path, error) from None


def read(public: str) -> str | None:
    """The key as PEM; None when there is no such file. Raises CertificateUnusable."""
    path = path_of(public)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from None
    if mode & 0o077:
        raise CertificateUnusable(
            f"{path} may be read by others (mode {mode:o}): renew its certificate, for nobody knows who has read the key."
        )
    return text.decode("ascii", "replace")


def lying(seconds: float) -> list[str]:
    """Those whose files were written longer ago than that. What a crash left of a file half written goes."""
    found = []
    for path in _folder().glob("*") if _folder().is_dir() else ():
        with contextlib.suppress(OSError):  # it went meanwhile
            if time.time() - path.stat().st_mtime <= seconds:
                continue
            if _DRAFT.fullmatch(path.name):
                path.unlink()
            elif name := _KEY.fullmatch(path.name):
                found.append(name[1])
    return found


def exists(public: str) -> bool:
    return path_of(public).exists()


def forget(public: str) -> None:
    """Nobody answers with this key any more."""
    try:
        path_of(public).unlink(missing_ok=True)
    except OSError as error:
        logger.warning("The key of a certificate that is gone could not be removed: %s", error)


def put_aside(public: str) -> None:
    """Out of the way, and not removed: another database may name it. Raises OSError."""
    path = path_of(public)
    _make_folder(path.parent / UNNAMED)
    path.replace(path.parent / UNNAMED / path.name)


def take_back(public: str) -> bool:
    """Whether it had been put aside, and is where it was. Raises OSError."""
    path = path_of(public)
    aside = path.parent / UNNAMED / path.name
    if path.exists() or not aside.exists():
        return False
    aside.replace(path)
    return True


def _make_folder(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    places.give_to_owner(folder.parent, folder)


def _unusable(path: Path, error: OSError) -> CertificateUnusable:
    return CertificateUnusable(
        f"{path} cannot be used ({error.strerror or error}): look at the data directory's permissions and at its disk."
    )
