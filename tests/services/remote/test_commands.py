"""What is asked for is written down for all operators to read: so nothing that opens the panel is taken."""

from typing import Any

import pytest

from services.errors import RequestRefused
from services.models import AuditEntry, Command
from services.remote import commands
from tests.services.servers.secrets_of import KEY, NAME, TOKEN, leaks

pytestmark = pytest.mark.django_db

FAR = {"host": "192.0.2.7", "port": 9997, "key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}
SECRETS = [TOKEN.decode(), TOKEN[:39].decode(), f"{NAME.decode()}={KEY.decode()}"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({**FAR, "argv": ["curl", "-H", "Authorization: Bearer {}"]}, "argv"),
        ({**FAR, "argv": ["{}"]}, "argv"),
        ({**FAR, "shell": "date '+x {}'"}, "shell"),
        ({**FAR, "host": "{}", "argv": ["uname"]}, "host"),
    ],
)
def test_a_command_with_a_token_or_a_cookie_is_refused_and_kept_nowhere(
    secret: str, words: dict[str, Any], field: str
) -> None:
    def filled(value: Any) -> Any:
        return [filled(one) for one in value] if isinstance(value, list) else str(value).format(secret)

    asked = {**words, field: filled(words[field])}
    with pytest.raises(RequestRefused, match="token or a cookie of Sockpanel") as caught:
        commands.ask(asked, "ada", may_shell=True)
    assert (caught.value.field, leaks(caught.value.message.encode())) == (field, [])
    assert not Command.objects.exists()
    assert not AuditEntry.objects.exists()


def test_what_only_looks_a_little_like_one_is_taken() -> None:
    asked = {
        **FAR,
        "argv": ["grep", "sp_lines", "sp_0123abcd", "sp_" + "a" * 27, "/srv/sp_nightly_export_of_all_measurements"],
    }
    assert commands.ask(asked, "ada").argv == asked["argv"]
