"""The data directory and the secret key in it: ours alone, from the first moment on.

What others could read is not closed and passed over in silence: a start refuses it, and says what to do. It knows no Django.
"""

import hashlib
import os
import secrets
import stat
from pathlib import Path

from services.errors import SettingRefused, UnsafeStart
from sockpanel.environment import refuse, text

_OURS = ("secret-key", "control.sqlite3", "messages.sqlite3")  # what makes a directory a data directory
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def choose(name: str, default: Path) -> Path:
    """The data directory, made 0700 when it is not there yet, closed to others when it is empty, and else refused where it is open."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & _OTHERS:
            _close_to_others(name, path)
    except OSError as error:
        raise refuse(name, str(path), f"a directory that can be made and written ({error.strerror})") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise refuse(name, str(path), "a directory that this user may write")
    return path


def _close_to_others(name: str, path: Path) -> None:
    """What was open may have been read: that is not ours to keep quiet about."""
    entries = os.listdir(path)
    if any(ours in entries for ours in _OURS):
        raise UnsafeStart(
            f"{name} ({path}) is open to other users of this machine (mode {_mode(path)}): close it with chmod 700 {path}. "
            "If somebody may have looked in, remove secret-key there as well, which signs everybody out, and change passwords."
        )
    if entries:
        raise refuse(name, str(path), "a directory of its own: this one holds other things and is open to other users")
    path.chmod(0o700)


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


def install_id(directory: Path) -> str:
    """Eight letters that tell this data directory from others on the same host: cookies know no port."""
    return hashlib.sha256(str(directory).encode()).hexdigest()[:8]


def secret_key(name: str, directory: Path) -> str:
    """The given key, or the one in the data directory, made there (0600) at first use."""
    if value := text(name):
        if len(value) < 32 or not _is_unguessable(value):
            raise refuse(name, "***", "32 characters or more of chance, and none that a manual shows")
        return value
    path, draft = directory / "secret-key", directory / f"secret-key.{os.getpid()}"
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # whole or not at all, and only one of several processes that start at once
        except FileExistsError:
            pass  # another one was first: its key is everybody's
        draft.unlink()
    return _read_secret(path)


def _is_unguessable(value: str) -> bool:
    """Not one of Django's samples, nor the same few letters again and again."""
    return not value.startswith("django-insecure-") and len(set(value)) >= 10


def _read_secret(path: Path) -> str:
    value = path.read_text().strip()
    if path.stat().st_mode & _OTHERS:  # the directory keeps others out: the one that it was copied from may not have
        raise UnsafeStart(
            f"{path} is open to other users (mode {_mode(path)}): close it with chmod 600 {path}; or, if somebody may have "
            "read it, remove it, and a new one is made, which signs everybody out."
        )
    if len(value) < 32:
        raise SettingRefused(
            f"{path} does not hold a secret key of 32 characters or more: remove it to make a new one."
        )
    return value
