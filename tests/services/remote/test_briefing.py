"""What a remote-command server's worker is told: its own key, whom it lets in, as whom commands run, what they may not read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.models import Server
from services.remote import files, keys
from services.remote.briefing import briefing_for
from services.servers import report

pytestmark = pytest.mark.django_db
AT = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def lab() -> Server:
    return Server.objects.create(name="lab", kind="command", transport="tcp", host="127.0.0.1", port=9997)


def test_it_holds_the_servers_own_key_and_lets_the_panel_in(lab: Server, settings: Any) -> None:
    briefing = briefing_for(lab)
    assert briefing.identity == files.server_identity(lab.pk)
    assert briefing.keys == (report.Key(public=files.panel_public(), name="the panel", shell=True, panel=True),)
    assert briefing.hidden == str(settings.SOCKPANEL_DATA_DIR)


def test_keys_come_with_their_restrictions(lab: Server) -> None:
    words = {"servers": ["lab", "desk"], "commands": ["uname"], "sources": ["10.0.0.0/8"], "expires_at": AT.isoformat()}
    key, _ = keys.generate({"name": "ci", **words}, "ada")
    assert briefing_for(lab).keys[1] == report.Key(
        public=bytes.fromhex(key.public),
        name="ci",
        commands=("uname",),
        sources=("10.0.0.0/8",),
        expires_at=int(AT.timestamp()) * 1_000_000,
    )


def test_keys_for_other_servers_are_not_told_and_revoked_ones_are(lab: Server) -> None:
    keys.generate({"name": "elsewhere", "servers": ["desk"]}, "ada")
    keys.generate({"name": "gone", "shell": True, "commands": [], "expires_at": None}, "ada")
    keys.revoke("gone", "ada")
    (told,) = briefing_for(lab).keys[1:]
    assert (told.name, told.revoked, told.shell, told.commands, told.expires_at) == ("gone", True, True, (), None)


@pytest.mark.parametrize(("uid", "user"), [(0, (1234, 99)), (1000, None)])
def test_commands_run_as_another_user_where_we_are_root(
    lab: Server, uid: int, user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SOCKPANEL_COMMAND_USER = (1234, 99)
    monkeypatch.setattr("services.remote.briefing.os.geteuid", lambda: uid)
    assert briefing_for(lab).user == user
