"""`manage.py token` and `manage.py setup_token`."""

from io import StringIO

import pytest
from django.core.management import call_command

from sockpanel.accounts import setup
from sockpanel.accounts.access import user_of_token
from sockpanel.accounts.models import Token, User

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


def test_tokens_are_listed_without_their_secret_and_revoked_by_number(otto: User):
    token = said("token", "create", "otto")[-1]
    (line,) = said("token", "list", "otto")
    assert token not in line
    assert "never used" in line
    said("token", "revoke", "otto", line.split()[0])
    assert user_of_token(token) is None


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
