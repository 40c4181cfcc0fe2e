"""Is an SQLite file what it should be? Judged before anybody works with it. It knows no Django.

What is looked at at every start: the header, whose database it is (application_id and tables), that both belong together
(user_version), and every page of a file up to CHECKED_WHOLE. Of a larger one, whose check would take seconds a gigabyte, every table
but the messages is read; SQLite checks those pages as it comes to them, and `backup` reads all of its copy. What no check of SQLite
sees is a bit that changed inside a stored value.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from services.errors import DatabaseAway, DatabaseDamaged, SockpanelError
from services.storage import places

MAGIC = b"SQLite format 3\0"
APPLICATION_IDS = {"control": 0x53504331, "messages": 0x53504D31}  # "SPC1", "SPM1"
OURS = {"control": "services_server", "messages": "services_message"}  # a table that each has, and the other has not
BIG = "services_message"  # the table that is not read whole in a large file
CHECKED_WHOLE = 64 * 1024 * 1024  # bytes; some 0.3 s
# Of the machine, not of the file: all else that SQLite says to our own statements is the file's fault
CIRCUMSTANCES = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_ABORT,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_AUTH,
    }
)
SHORT_READ = sqlite3.SQLITE_IOERR_SHORT_READ
DISK_FULL = "53100"  # PostgreSQL's name for it
NO_TEXT = 255  # our number for Python's own complaint, which has none: bytes in the place of a text


def is_damage(error: BaseException | None) -> bool:
    """Whether an error of SQLite, or one of Django's that came of it, says that the file is not what it should be."""
    code = _code(error)
    return code is not None and (
        code == SHORT_READ or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, NO_TEXT)
    )


def is_circumstance(error: BaseException | None) -> bool:
    """Whether it is the machine's fault, or the moment's, and not the file's."""
    code = _code(error)
    return code is not None and code & 0xFF in CIRCUMSTANCES and not is_damage(error)


def is_full(error: BaseException | None) -> bool:
    """Whether a write found no room on the disk."""
    cause = error.__cause__ or error if error is not None else None
    return _code(error) == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == DISK_FULL


def _code(error: BaseException | None) -> int | None:
    """SQLite's number of an error, or of the one that it came of."""
    while error is not None and not isinstance(error, sqlite3.Error):
        error = error.__cause__
    unnumbered = NO_TEXT if isinstance(error, sqlite3.OperationalError) else None
    return getattr(error, "sqlite_errorcode", unnumbered)


def help_with(data_dir: Path) -> str:
    """The command that helps, with the newest backup where there is one."""
    found = places.newest(data_dir)
    if found is not None:
        return f"put the newest backup in its place with manage.py restore {found}"
    return f"put a backup in its place with manage.py restore FILE ({data_dir / places.BACKUPS} has copies, if any)"


def judge(name: str, file: Path) -> int:
    """Look at one database; its panel's number, 0 while it has none. Raises DatabaseDamaged or DatabaseAway."""
    with file.open("rb") as content:
        start = content.read(100)
    if not start:
        return 0  # about to be made
    if not start.startswith(MAGIC) or len(start) < 100:
        raise damaged(name, file, "it is no SQLite database")
    if _is_cut(start, file):
        raise damaged(name, file, "its end is missing")
    try:
        with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as connection:
            number = _belongs(connection, name, file)
            _check(connection, name, file)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: a message that quotes what is no text
        if is_circumstance(error):
            raise DatabaseAway(f"The {name} database {file} cannot be read ({error}): see to the disk.") from error
        raise damaged(name, file, str(error)) from error
    return number


def _is_cut(start: bytes, file: Path) -> bool:
    """Whether the last page is not all there: SQLite would read zeros for the rest. Of no account while a log is to be applied."""
    page = int.from_bytes(start[16:18], "big")
    has_log = any(log.exists() and log.stat().st_size > 0 for log in places.beside(file))
    return not has_log and file.stat().st_size % (65536 if page == 1 else page or 1) != 0


def _belongs(connection: sqlite3.Connection, name: str, file: Path) -> int:
    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    strangers = {OURS[other] for other in OURS if other != name}
    if mark not in (0, APPLICATION_IDS[name]) or (tables and OURS[name] not in tables) or tables & strangers:
        raise damaged(name, file, "it belongs to something else")
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check(connection: sqlite3.Connection, name: str, file: Path) -> None:
    if places.size_of(file) <= CHECKED_WHOLE:
        checks = ["PRAGMA integrity_check(1)"]
    else:
        tables = [str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        checks = [f'PRAGMA quick_check("{table}")' for table in tables if table != BIG and '"' not in table]
    for check in checks:
        found = str(connection.execute(check).fetchone()[0])
        if found != "ok":
            raise damaged(name, file, found.replace("\n", " "))


def damaged(name: str, file: Path, reason: str) -> SockpanelError:
    said = " ".join(reason.split())
    return DatabaseDamaged(
        f"The {name} database is damaged or not ours ({file.name}: {said}): {help_with(file.parent)}."
    )


def marks(name: str, number: int) -> tuple[str, ...]:
    """Statements that let a file say what it is, and which panel's."""
    return (f"PRAGMA application_id = {APPLICATION_IDS[name]:d}", f"PRAGMA user_version = {number:d}")
