"""`manage.py audit`: says that the audit is what it was, or which entry is not; reads it for a person and for a script."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services import audit
from services.audit import heads
from services.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

Manage = Callable[..., Awaitable[Any]]


@pytest.fixture
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def five(directory: Path) -> list[AuditEntry]:
    with audit.coming_from("api", "192.0.2.7"):
        audit.record("server.change", "ada", server="lab", old={"port": 1}, new={"port": 2})
        audit.record("send", "otto", server="lab", what="all peers", data=b"hi\x1b[2J\n")
        return [audit.record("refused", "vera", what="POST /", code="SP-1005") for _ in range(3)]


async def test_a_sound_audit_is_success(manage: Manage, five: list[AuditEntry], directory: Path) -> None:
    (directory / heads.FILE).write_text(f"Audit head 5 {five[-1].hash} (hourly)\n")
    done = await manage("audit", "verify")
    assert done.code == 0
    assert done.out == (f"5 entries, 1 to 5, are what they were; 1 told heads agree. Head: 5 {five[-1].hash}\n")
    assert "guard against changes is gone" in done.err  # as it is in the databases of tests


async def test_a_wrong_entry_is_named_and_the_exit_code_tells(manage: Manage, five: list[AuditEntry]) -> None:
    await AuditEntry.objects.filter(number=2).aupdate(who="eve")
    done = await manage("audit", "verify", "--json")
    assert (done.code, done.json["ok"], done.json["entry"]) == (1, False, 2)
    assert done.err.startswith("Entry 2 was edited")


async def test_a_log_that_was_kept_elsewhere_is_compared(
    manage: Manage, five: list[AuditEntry], tmp_path: Path
) -> None:
    line = f"Nov 21 15:00 panel[7]: Audit head 5 {five[-1].hash} (hourly)\n"
    await AuditEntry.objects.filter(number=5).adelete()
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
    (directory / "audit.restored").write_text("{}")
    assert (await manage("audit", "verify")).code == 0


async def test_a_person_reads_lines_that_harm_no_terminal(manage: Manage, five: list[AuditEntry]) -> None:
    done = await manage("audit", "list", "--server", "lab")
    first, second = (line.partition(" ")[2] for line in done.out.splitlines())
    assert first == "1 ada server.change lab port: 1 -> 2 (api 192.0.2.7)"
    assert second == r"2 otto send lab all peers 7 B hi\x1b[2J\n (api 192.0.2.7)"


async def test_a_script_reads_json_lines(manage: Manage, five: list[AuditEntry]) -> None:
    done = await manage("audit", "list", "--refused", "-n", "2", "--json")
    told = [msgspec.json.decode(line) for line in done.out.splitlines()]
    assert [(one["id"], one["code"]) for one in told] == [(4, "SP-1005"), (5, "SP-1005")]


async def test_times_bound_what_is_listed(manage: Manage, five: list[AuditEntry]) -> None:
    assert len((await manage("audit", "list", "--since", "2020-01-01", "--until", "2120-01-01")).out.splitlines()) == 5
    assert (await manage("audit", "list", "--until", "2020-01-01T10:00Z")).out == ""
    refused = await manage("audit", "list", "--since", "yesterday")
    assert (refused.code, "is no time" in refused.err) == (2, True)


async def test_old_entries_go_into_a_file(manage: Manage, five: list[AuditEntry], tmp_path: Path) -> None:
    nothing = await manage("audit", "cut", "--before", "2020-01-01", "--to", str(tmp_path / "old"))
    assert (nothing.code, nothing.out) == (0, "No entry is that old: nothing was cut.\n")
    done = await manage("audit", "cut", "--before", "2120-01-01", "--to", str(tmp_path / "old"), "--json")
    assert (done.code, done.json) == (0, {"cut": 4, "file": str(tmp_path / "old")})
    assert (await manage("audit", "verify", "--json")).json["first"] == 5
