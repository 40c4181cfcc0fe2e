"""Private keys, each a file in the data directory that only its owner reads: the panel's, and one of each remote-command server.

They are made when they are first needed. A file that others may read is refused: then nobody knows who has read it.

    panel_key().sign(...)
    server_public(server.pk)  # what clients pin
"""

import logging
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from services.errors import KeyRefused

logger = logging.getLogger(__name__)

KEY_BYTES = 32
PANEL = "panel.key"


def panel_key() -> Ed25519PrivateKey:
    """The panel's own, which its own servers let in. Raises KeyRefused."""
    return Ed25519PrivateKey.from_private_bytes(_key(PANEL))


def panel_public() -> bytes:
    """32 bytes. Raises KeyRefused."""
    return panel_key().public_key().public_bytes_raw()


def server_identity(server: int) -> bytes:
    """The private key of a server, 32 bytes. Raises KeyRefused."""
    return _key(f"server-{server}.key")


def server_public(server: int) -> bytes:
    """32 bytes, by which clients know the server. Raises KeyRefused."""
    return Ed25519PrivateKey.from_private_bytes(server_identity(server)).public_key().public_bytes_raw()


def forget_server(server: int) -> None:
    """The server was deleted: nobody answers with its key any more."""
    try:
        (_folder() / f"server-{server}.key").unlink(missing_ok=True)
    except OSError as error:
        logger.warning("The key of a deleted server could not be removed: %s", error)


def _folder() -> Path:
    return Path(settings.SOCKPANEL_DATA_DIR) / "keys"


def _key(name: str) -> bytes:
    path = _folder() / name
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            _make(path)
            return _read(path)
    except OSError as error:
        raise KeyRefused(
            f"{path} cannot be used ({error.strerror or error}): look at the data directory's permissions and at its disk."
        ) from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(2 * KEY_BYTES + 2)
    if mode & 0o077:
        raise KeyRefused(
            f"{path} may be read by others (mode {mode:o}): remove it, so that a new key is made, and have it registered anew."
        )
    try:
        key = bytes.fromhex(text.decode())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyRefused(
            f"{path} holds no key ({2 * KEY_BYTES} hex digits): restore it, or remove it to have one made."
        )
    return key


def _make(path: Path) -> None:
    """Whole or not at all, and the first wins."""
    path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # somebody made it meanwhile: theirs counts
    finally:
        draft.unlink()
    _keep(path.parent)


def _keep(folder: Path) -> None:
    """Whoever was told the public half must find it there after a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
