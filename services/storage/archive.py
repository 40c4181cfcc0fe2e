"""A backup as one file: a tar with the databases, and behind them a manifest of versions and checksums. It knows no Django.

The manifest is last: an archive that was cut off has none. Only the names below are ever read from one, and each is written to a
place of our choosing.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from services.errors import BackupRefused

FORMAT = 1
MANIFEST = "manifest.json"
GZIP = (".gz", ".tgz")  # endings of names whose archive is compressed
MAX_MANIFEST = 1024 * 1024
CHUNK = 1024 * 1024


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One database in an archive."""

    file: str
    bytes: int
    sha256: str
    migrations: tuple[str, ...]  # that it has


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in an archive, and what made it."""

    format: int
    made_at: str
    sockpanel: str
    sqlite: str
    databases: dict[str, Kept]  # "control" and "messages"
    left_out: tuple[str, ...]  # of the data directory, for people


class Writer:
    """Fills an archive: each database, then the manifest."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600, exist_ok=False)
        packed = path.name.endswith(GZIP)
        self._tar = tarfile.open(path, "w:gz", compresslevel=1) if packed else tarfile.open(path, "w:")  # noqa: SIM115
        self._kept: dict[str, Kept] = {}

    def add(self, name: str, file: Path, migrations: tuple[str, ...]) -> None:
        self._kept[name] = Kept(file_of(name), file.stat().st_size, digest(file), migrations)
        entry = tarfile.TarInfo(file_of(name))
        entry.size, entry.mode, entry.mtime = file.stat().st_size, 0o600, int(file.stat().st_mtime)
        with file.open("rb") as content:
            self._tar.addfile(entry, content)

    def finish(self, made_at: str, versions: tuple[str, str], left_out: tuple[str, ...]) -> Manifest:
        manifest = Manifest(FORMAT, made_at, *versions, self._kept, left_out)
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(text), 0o600
        self._tar.addfile(entry, io.BytesIO(text))
        self._tar.close()  # now, for errors to be told
        return manifest

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the databases of an archive into `folder`, each compared with its checksum. Raises BackupRefused."""
    with _refusing(path), tarfile.open(path, "r:*") as tar:
        manifest = _manifest(path, tar)
        for name, kept in manifest.databases.items():
            if kept.file != file_of(name) or not kept.file.isprintable() or "/" in kept.file:
                raise BackupRefused(f"{path} names a file {kept.file!r} that no Sockpanel wrote.")
            if _extract(tar, kept, folder / kept.file) != kept.sha256:
                raise BackupRefused(f"{path} is damaged: {kept.file} is not what its checksum says. Choose another.")
    return manifest


def read_manifest(path: Path) -> Manifest:
    """What an archive says of itself. Raises BackupRefused."""
    with _refusing(path), tarfile.open(path, "r:*") as tar:
        return _manifest(path, tar)


def file_of(name: str) -> str:
    return f"{name}.sqlite3"


def digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    entry = tar.getmember(MANIFEST)
    if not entry.isreg() or entry.size > MAX_MANIFEST:
        raise BackupRefused(f"{path} has a manifest that no Sockpanel wrote.")
    with _content(tar, entry) as content:
        text = content.read()
    version = msgspec.json.decode(text, type=dict).get("format")
    if isinstance(version, int) and version > FORMAT:
        raise BackupRefused(f"{path} is from a newer Sockpanel (format {version}): restore it with that version.")
    manifest = msgspec.json.decode(text, type=Manifest)
    if set(manifest.databases) != {"control", "messages"}:
        raise BackupRefused(f"{path} does not hold both databases, control and messages.")
    return manifest


def _extract(tar: tarfile.TarFile, kept: Kept, target: Path) -> str:
    entry, found = tar.getmember(kept.file), hashlib.sha256()
    if not entry.isreg() or entry.size != kept.bytes:
        return ""
    with _content(tar, entry) as content, target.open("xb") as file:
        target.chmod(0o600)
        while chunk := content.read(CHUNK):
            found.update(chunk)
            file.write(chunk)
    return found.hexdigest()


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(entry)
    if content is None:
        raise BackupRefused(f"{entry.name} is no file in this backup.")
    return content


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What tarfile, gzip and JSON say of a file that is none of ours."""
    try:
        yield
    except FileNotFoundError:
        raise BackupRefused(f"There is no file {path}.") from None
    except KeyError as error:
        raise BackupRefused(f"{path} is no whole backup: it lacks {str(error)[:200]}.") from error
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, msgspec.MsgspecError, UnicodeError) as error:
        reason = str(error).splitlines()[0].removesuffix(":") if str(error) else type(error).__name__
        raise BackupRefused(
            f"{path} is no whole backup of a Sockpanel ({reason[:200]}): choose another file."
        ) from error
