"""`manage.py token` and `manage.py setup_token`."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from services.models import AuditEntry
from sockpanel.accounts import setup
from sockpanel.accounts.access import user_of_token
from sockpanel.accounts.models import Token, User
from tests.written import first_entry_is_behind, tables_written

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def said(*arguments: str) -> list[str]:
    """The lines that a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        said(*arguments)
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_the_token_stands_alone_on_the_last_line_and_has_its_users_role(otto: User):
    token = said("token", "create", "otto", "--name", "backup")[-1]
    user = user_of_token(token)
    assert user == otto
    assert Token.objects.get().name == "backup"


def test_a_token_goes_before_that_is_told(otto: User):
    said("token", "create", "otto")
    with tables_written() as tables:
        said("token", "revoke", "otto", str(Token.objects.get().pk))
    assert first_entry_is_behind(tables, "accounts_token")


def test_tokens_are_listed_without_their_secret_and_revoked_by_number(otto: User):
    token = said("token", "create", "otto")[-1]
    (line,) = said("token", "list", "otto")
    assert token not in line
    assert "never used" in line
    said("token", "revoke", "otto", line.split()[0])
    assert user_of_token(token) is None


def test_a_token_may_no_more_than_its_scope_and_ends(otto: User):
    *told, token = said("token", "create", "otto", "--scope", "viewer", "--days", "7")
    assert "scope viewer, which ends 20" in told[-1]
    row = Token.objects.get()
    assert timedelta(days=6, hours=23) < row.expires_at - timezone.now() <= timedelta(days=7)
    user = user_of_token(token)
    assert (user.may("viewer"), user.may("operator")) == (True, False)


def test_a_token_ends_after_ninety_days_unless_told_otherwise(otto: User):
    said("token", "create", "otto")
    said("token", "create", "otto", "--days", "0")
    first, second = Token.objects.order_by("pk")
    assert timedelta(days=89) < first.expires_at - timezone.now() <= timedelta(days=90)
    assert second.expires_at is None
    assert "never ends" in said("token", "list", "otto")[1]


def test_a_token_is_refused_more_than_its_person_may(otto: User, capsys: pytest.CaptureFixture[str]):
    assert "up to that of its user, who is operator" in refused(capsys, "token", "create", "otto", "--scope", "admin")
    assert not Token.objects.exists()


@pytest.mark.parametrize("days", ["-1", "3651", "x"])
def test_days_are_bounded(otto: User, days: str):
    with pytest.raises(CommandError, match="a number of days from 1 to 3,650"):
        said("token", "create", "otto", f"--days={days}")


def test_making_and_revoking_stand_in_the_audit_without_the_secret(otto: User):
    token = said("token", "create", "otto", "--name", "backup")[-1]
    said("token", "revoke", "otto", str(Token.objects.get().pk))
    entries = list(AuditEntry.objects.order_by("number"))
    assert [entry.verb for entry in entries] == ["token.create", "token.revoke"]
    assert "otto, number " in entries[0].what
    assert token not in str([vars(entry) for entry in entries])


def test_nobodys_token_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]):
    assert refused(capsys, "token", "create", "nobody").startswith("Nobody is named 'nobody'")


def test_a_set_up_link_is_for_a_panel_without_users(settings, tmp_path, capsys: pytest.CaptureFixture[str]):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    assert said("setup_token")[-1].startswith("http://127.0.0.1:8000/setup#token=")
    User.objects.create_user("ada", role="admin")
    assert "sign in" in refused(capsys, "setup_token")


def test_a_reset_link_is_for_a_user_who_is_there(otto: User, settings, tmp_path, capsys: pytest.CaptureFixture[str]):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    assert "/setup#token=" in said("setup_token", "--reset", "otto")[-1]
    assert setup.resetting()
    assert "Nobody is named 'nobody'" in refused(capsys, "setup_token", "--reset", "nobody")
