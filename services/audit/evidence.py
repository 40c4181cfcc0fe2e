"""What speaks against an audit whose chain is whole: evidence beside it that is gone. A panel that has started has told a head.

for sentence in evidence.against(data_dir, verify(told), log=[]): ...      # none: all is well

A directory before its first start has told none, and needs none. It changes nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from services import databases
from services.audit import entries, heads, tampered, word
from services.audit.heads import Head
from services.audit.verifying import Verdict
from services.models import MESSAGES, AuditEntry, Node
from services.supervisor import lock

UNGUARDED = (
    "The database's own guard against changes is gone: somebody took away its triggers. Find out who could, and make them anew: "
    "docs/audit.md says how."
)
WAITING = "A restore waits for the next start, which writes it into the audit: until then no head of the data directory is compared."
NO_LOG = "The log that was given tells of no head: it is not the supervisor's, or it is shorter than an hour."
MADE_UP = (
    "says that a restore waits for the next start, and a supervisor has started since: nobody restores under one. If a restore did "
    "come before that, start again; else somebody wrote that file so that no head is compared: find out who could, and remove it."
)
ODD = (
    "is no file, and no restore leaves anything else: somebody put it there so that no head is compared. Find out who could; the next "
    "start puts it aside."
)
NO_RESTORE = (
    "was told as the first one after a restore, and the audit holds no restore there: somebody wrote that line so that none before it "
    "is compared. Find out who could write to audit.heads or to the log, and compare with a log that was kept elsewhere (--log)."
)
BESIDE = 100  # entries that others may append between a restore's and its head


def told(data_dir: Path) -> list[Head]:
    """The heads that bind: none of those before a restore that nothing has started since."""
    return [] if _waits(data_dir) else heads.of(data_dir)


def against(data_dir: Path, found: Verdict, log: Sequence[Head] | None) -> list[str]:
    """Sentences; `log` are the heads of one that was kept elsewhere, None where none was given."""
    faults = [_emptied(found), _made_up(data_dir), _unrestored([*told(data_dir), *(log or ())], found)]
    faults += ["" if _is_proved(found, log) else _untold(data_dir, found)]
    faults += [NO_LOG if log is not None and not log else "", "" if found.guarded else UNGUARDED]
    return [fault for fault in faults if fault]


def beside(data_dir: Path, found: Verdict, log: Sequence[Head] | None) -> list[str]:
    """What is to be known of an audit that nothing speaks against."""
    if _waits(data_dir):
        return [WAITING]
    untold = _untold(data_dir, found) if _is_proved(found, log) else ""
    return [f"{untold} The log alone proves the audit, up to its last head."] if untold else []


def _is_proved(found: Verdict, log: Sequence[Head] | None) -> bool:
    """A log that was kept elsewhere is worth more than the file."""
    return bool(log) and found.heads > 0


def _waits(data_dir: Path) -> bool:
    """Whether a restore waits for the next start, as far as anybody can know."""
    return word.waits(data_dir) and not _made_up(data_dir)


def _made_up(data_dir: Path) -> str:
    """Why no restore can have left that word; empty for one that may be true."""
    path = data_dir / word.FILE
    if word.is_odd(data_dir):
        return f"{path} {ODD}"
    if not word.waits(data_dir):
        return ""
    at = path.lstat().st_mtime_ns // 1000
    pid, record, _ = lock.look(data_dir, settings.SOCKPANEL_NODE)
    runs_since = record.started_at if pid is not None else 0
    return f"{path} {MADE_UP}" if _has_started_since(word.read(data_dir), at) or 0 < runs_since < at else ""


def _has_started_since(words: Mapping[str, object], at: int) -> bool:
    """A start takes the word away. A restore counts the entries that came back; clocks tell only where it could not."""
    starts = AuditEntry.objects.filter(verb="supervisor.start", number__lte=tampered.LARGEST).order_by("-number")
    last = words.get(word.LAST)
    if isinstance(last, int):
        return last > entries.head()[0] or starts.filter(number__gt=max(0, last)).exists()
    return tampered.number(starts.values_list("at", flat=True).first()) > at


def _unrestored(told: Sequence[Head], found: Verdict) -> str:
    """A restore is an entry, and the head after it is told at once."""
    for head in told:
        since = head.number - BESIDE
        restores = AuditEntry.objects.filter(verb="restore", number__gte=since, number__lte=head.number)
        was_cut = 1 < found.first > since
        if head.is_restored and not was_cut and not restores.exists():
            return f"Head {head.number} {NO_RESTORE}"
    return ""


def _emptied(found: Verdict) -> str:
    people = 0 if found.entries else get_user_model().objects.count()
    if not people:
        return ""
    return (
        f"The audit is empty, and the panel has {people:,} users, whose making is an entry: all of it was deleted. "
        "After an upgrade from a version without an audit, start Sockpanel once."
    )


def _untold(data_dir: Path, found: Verdict) -> str:
    """Why no head proves that the end is there, where one was told once."""
    if _waits(data_dir):
        return ""
    fault, path = heads.fault(data_dir), data_dir / heads.FILE
    if fault == heads.MISSING and not _has_started(found):
        return ""
    if not fault and (found.heads or not found.entries):
        return ""
    fault = fault or "tells only of entries that were cut"
    return (
        f"{path} {fault}, and this panel has told a head there: whether the end of the audit is missing cannot be said. "
        "Ask the machine where the supervisor runs, and compare with a log that was kept elsewhere (--log)."
    )


def _has_started(found: Verdict) -> bool:
    """Each start is an entry, each supervisor is known to the message database, and only what is old is cut."""
    starts = AuditEntry.objects.filter(verb="supervisor.start")
    return found.first > 1 or starts.exists() or _has_nodes()


def _has_nodes() -> bool:
    """A copy of the control database comes without the other; where both were made that one was lost, with what it knew."""
    file = databases.file_of(MESSAGES)
    if file is not None and not file.exists():
        return (file.parent / databases.MADE).exists()
    return Node.objects.exists()
