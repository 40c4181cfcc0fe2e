"""`manage.py audit`: says that the audit is what it was, or which entry is not; reads it for a person and for a script."""

import re
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection

from services import audit
from services.audit import guard, heads
from services.models import AuditEntry, Node
from tests.services.audit import tampering

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

Manage = Callable[..., Awaitable[Any]]


@pytest.fixture
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def guarded(transactional_db: None) -> Iterator[None]:
    """The database's own guard, which the tests' databases go without elsewhere."""
    guard.put_up()
    yield
    guard.take_down()


@sync_to_async
def tamper(*statements: str) -> None:
    """As whoever owns the database may: the guard stands again afterwards."""
    guard.take_down()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    guard.put_up()


@sync_to_async
def started(directory: Path) -> None:
    """What a supervisor does when it begins."""
    audit.record("supervisor.start", "")
    heads.tell(directory, "start")


@pytest.fixture
def five(directory: Path) -> list[AuditEntry]:
    with audit.coming_from("api", "192.0.2.7"):
        audit.record("server.change", "ada", server="lab", old={"port": 1}, new={"port": 2})
        with audit.with_token(3, "nightly test"):
            audit.record("send", "otto", server="lab", what="all peers", data=b"hi\x1b[2J\n")
        return [audit.record("refused", "vera", what="POST /", code="SP-1005") for _ in range(3)]


async def test_a_sound_audit_is_success(manage: Manage, five: list[AuditEntry], directory: Path) -> None:
    (directory / heads.FILE).write_text(f"Audit head 5 {five[-1].hash} (hourly)\n")
    done = await manage("audit", "verify")
    assert done.code == 0
    assert done.out == (f"5 entries, 1 to 5, are what they were; 1 told heads agree. Head: 5 {five[-1].hash}\n")
    assert done.err == ""


async def test_a_guard_that_was_taken_away_is_said_and_the_exit_code_tells(
    manage: Manage, five: list[AuditEntry]
) -> None:
    await sync_to_async(guard.take_down)()
    done = await manage("audit", "verify")
    assert (done.code, "own guard against changes is gone" in done.err) == (1, True)
    assert "5 entries, 1 to 5, make an unbroken chain" in done.out
    told = (await manage("audit", "verify", "--json")).json
    assert (told["ok"], told["entry"], told["guarded"], told["entries"]) == (False, None, False, 5)
    assert "own guard" in told["detail"]


FORGED = "at, verb, who, way, source, server, server_id, what, details, data, size, sha256, code, 5, hash, 'ab'"
CUT_OFF = (
    f"INSERT INTO services_auditentry SELECT number + 1, {FORGED} FROM services_auditentry WHERE number = 5",  # noqa: S608
    "DELETE FROM services_auditentry WHERE number <= 5",
)


@pytest.mark.skipif("connection.vendor != 'sqlite'")
@pytest.mark.parametrize(
    ("statements", "wrong"), [(("UPDATE services_auditentry SET data = '' WHERE number = 3",), 3), (CUT_OFF, 6)]
)
async def test_whatever_stands_in_a_column_the_entry_is_named(
    manage: Manage, five: list[AuditEntry], statements: tuple[str, ...], wrong: int
) -> None:
    await tamper(*statements)
    done = await manage("audit", "verify")
    assert (done.code, done.out, done.err.partition(" was ")[0]) == (1, "", f"Entry {wrong}")
    assert "Traceback" not in done.err
    as_json = await manage("audit", "verify", "--json")
    assert (as_json.code, as_json.json["ok"], as_json.json["entry"]) == (1, False, wrong)


async def test_before_the_first_start_no_head_is_missed(manage: Manage, directory: Path) -> None:
    assert (await manage("audit", "verify")).code == 0
    await sync_to_async(audit.record)("user.add", "root (command line)")
    await get_user_model().objects.acreate(username="ada")
    done = await manage("audit", "verify")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("content", [None, b"", b"\xff\0 Audit head 6 junk (start)\n"])
@pytest.mark.parametrize("known_by", ["its entry", "its sign of life"])
async def test_a_panel_that_has_started_has_told_a_head(
    manage: Manage, five: list[AuditEntry], directory: Path, known_by: str, content: bytes | None
) -> None:
    if known_by == "its entry":
        await started(directory)
        assert (await manage("audit", "verify")).code == 0
    else:
        await Node.objects.acreate(name="local", pid=1, started_at=1, seen_at=1)
    (directory / heads.FILE).unlink(missing_ok=True)
    if content is not None:
        (directory / heads.FILE).write_bytes(content)
    done = await manage("audit", "verify")
    assert (done.code, str(directory / heads.FILE) in done.err, "unbroken" in done.out) == (1, True, True)
    assert not (await manage("audit", "verify", "--json")).json["ok"]


async def test_an_audit_that_was_emptied_is_missed_even_where_nothing_was_told(
    manage: Manage, five: list[AuditEntry], directory: Path
) -> None:
    await get_user_model().objects.acreate(username="ada")
    await tamper("DELETE FROM services_auditentry")
    for restored in (False, True):
        if restored:
            (directory / "audit.restored").write_text("{}")
        done = await manage("audit", "verify")
        assert (done.code, done.err.partition(",")[0]) == (1, "The audit is empty")


async def test_a_log_proves_an_audit_whose_own_file_is_gone_and_that_is_said(
    manage: Manage, five: list[AuditEntry], directory: Path, tmp_path: Path
) -> None:
    await started(directory)
    log = (directory / heads.FILE).rename(tmp_path / "log")
    done = await manage("audit", "verify", "--log", str(log))
    assert (done.code, f"{heads.FILE} is not there" in done.err) == (0, True)


async def test_a_log_without_a_head_proves_nothing(manage: Manage, five: list[AuditEntry], directory: Path) -> None:
    await started(directory)
    done = await manage("audit", "verify", "--log", "-", stdin=b"GET /servers/\n")
    assert (done.code, "tells of no head" in done.err) == (1, True)


async def test_a_wrong_entry_is_named_and_the_exit_code_tells(manage: Manage, five: list[AuditEntry]) -> None:
    await tamper("UPDATE services_auditentry SET who = 'eve' WHERE number = 2")
    done = await manage("audit", "verify", "--json")
    assert (done.code, done.json["ok"], done.json["entry"]) == (1, False, 2)
    assert done.err.startswith("Entry 2 was edited")


async def test_a_log_that_was_kept_elsewhere_is_compared(
    manage: Manage, five: list[AuditEntry], tmp_path: Path
) -> None:
    line = f"Nov 21 15:00 panel[7]: Audit head 5 {five[-1].hash} (hourly)\n"
    await tamper("DELETE FROM services_auditentry WHERE number = 5")
    assert (await manage("audit", "verify", "--json")).json["ok"]
    missed = await manage("audit", "verify", "--log", "-", stdin=line.encode())
    assert (missed.code, "The end is missing" in missed.err) == (1, True)
    (tmp_path / "log").write_text(line)
    assert (await manage("audit", "verify", "--log", str(tmp_path / "log"))).code == 1
    assert (await manage("audit", "verify", "--log", "/nowhere")).code == 2


async def test_after_a_restore_the_heads_of_before_bind_nobody(
    manage: Manage, five: list[AuditEntry], directory: Path
) -> None:
    (directory / heads.FILE).write_text(f"Audit head 9 {'a' * 64} (hourly)\n")
    assert (await manage("audit", "verify")).code == 1
    await tamper("DELETE FROM services_auditentry WHERE number = 5")
    await Node.objects.acreate(name="local", pid=1, started_at=1, seen_at=1)
    (directory / "audit.restored").write_text("{}")
    done = await manage("audit", "verify")
    assert (done.code, "waits for the next start" in done.err) == (0, True)
    (directory / heads.FILE).unlink()
    assert (await manage("audit", "verify")).code == 0


async def test_a_person_reads_lines_that_harm_no_terminal(manage: Manage, five: list[AuditEntry]) -> None:
    done = await manage("audit", "list", "--server", "lab")
    first, second = (line.partition(" ")[2] for line in done.out.splitlines())
    assert first == "1 ada server.change lab port: 1 -> 2 (api 192.0.2.7)"
    assert second == r"2 otto send lab all peers 7 B hi\x1b[2J\n (api 192.0.2.7, token 3 nightly test)"


async def test_a_script_reads_json_lines(manage: Manage, five: list[AuditEntry]) -> None:
    done = await manage("audit", "list", "--refused", "-n", "2", "--json")
    told = [msgspec.json.decode(line) for line in done.out.splitlines()]
    assert [(one["id"], one["code"]) for one in told] == [(4, "SP-1005"), (5, "SP-1005")]


async def test_times_bound_what_is_listed(manage: Manage, five: list[AuditEntry]) -> None:
    assert len((await manage("audit", "list", "--since", "2020-01-01", "--until", "2120-01-01")).out.splitlines()) == 5
    assert (await manage("audit", "list", "--until", "2020-01-01T10:00Z")).out == ""
    refused = await manage("audit", "list", "--since", "yesterday")
    assert (refused.code, "is no time" in refused.err) == (2, True)


async def test_old_entries_go_into_a_file(
    manage: Manage, five: list[AuditEntry], directory: Path, tmp_path: Path
) -> None:
    nothing = await manage("audit", "cut", "--before", "2020-01-01", "--to", str(tmp_path / "old"))
    assert (nothing.code, nothing.out) == (0, "No entry is that old: nothing was cut.\n")
    done = await manage("audit", "cut", "--before", "2120-01-01", "--to", str(tmp_path / "old"), "--json")
    assert (done.code, done.json) == (0, {"cut": 4, "file": str(tmp_path / "old")})
    told = await manage("audit", "verify", "--json")
    assert (told.code, told.json["first"], told.json["heads"]) == (0, 5, 1)
    (directory / heads.FILE).write_text(f"Audit head 3 {five[2].hash} (hourly)\n")
    assert (await manage("audit", "verify")).code == 1


@pytest.mark.skipif("connection.vendor != 'sqlite'")
async def test_whatever_somebody_has_edited_is_listed_and_marked(manage: Manage, directory: Path) -> None:
    await sync_to_async(guard.take_down)()
    await sync_to_async(tampering.odd)()
    edited = await sync_to_async(tampering.tamper)()
    lines = await manage("audit", "list", "-n", "1000")
    assert (lines.code, lines.out.count("NOT AS IT WAS WRITTEN")) == (0, edited)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lines.out)
    told = await manage("audit", "list", "-n", "1000", "--json")
    assert len([one for one in map(msgspec.json.decode, told.out.splitlines()) if one["fault"]]) == edited
    checked = await manage("audit", "verify", "--json")
    assert (checked.code, checked.json["ok"]) == (1, False)


async def test_a_copy_of_the_control_database_is_read_and_verified_alone(
    books: Any, begin: Callable[..., Awaitable[Any]], data_directory: Path
):
    for path in data_directory.iterdir():
        if not path.name.startswith("control.sqlite3"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    verified = await (await begin("audit", "verify")).finished()
    assert (verified.code, verified.err) == (0, "")
    assert "are what they were" in verified.out
    listed = await (await begin("audit", "list")).finished()
    assert (listed.code, "server.create lab" in listed.out) == (0, True)
    others = await (await begin("servers", "list")).finished()
    assert (others.code, "The messages database is not there" in others.err) == (1, True)
    assert not (data_directory / "messages.sqlite3").exists()
