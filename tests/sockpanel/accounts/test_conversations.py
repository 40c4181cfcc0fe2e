"""What remote-command servers ran is for operators, wherever it could be read."""

import pytest
from django.test import Client

from services.models import Server
from sockpanel.accounts import conversations
from sockpanel.accounts.models import Token, User
from tests.sockpanel.recorded import SECRET, make

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture
def lab(transactional_db: None) -> Server:
    """A remote-command server that has run something."""
    return make("lab", "command")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create(username=role, role=role), "django.contrib.auth.backends.ModelBackend")
    return client


PLACES = ("/servers/", "/servers/?last", "/servers/lab/", "/servers/lab/connections/", "/servers/lab/history/",
          "/servers/lab/traffic/", "/servers/lab/settings/", "/api/v1/servers", "/api/v1/servers/lab",
          "/api/v1/servers/lab/messages", "/api/v1/servers/lab/connections", "/api/v1/servers/lab/runs",
          "/api/v1/servers/lab/changes", "/api/v1/servers/lab/incidents", "/api/v1/servers/lab/executions",
          "/api/v1/commands", "/commands/")  # fmt: skip
TELLING = (b"lab-secret", b"bGFiLXNlY3JldA", b"Y2F0IC9ldGMv")  # as it is, and in base64 at two offsets


@pytest.mark.parametrize("path", PLACES)
def test_a_viewer_reads_nothing_of_it(lab: Server, path: str) -> None:
    shown = signed_in("viewer").get(path).content
    assert [word for word in TELLING if word in shown] == []


@pytest.mark.parametrize(
    "path", ["/servers/", "/servers/lab/", "/servers/lab/history/", "/api/v1/servers/lab/messages"]
)
def test_an_operator_does(lab: Server, path: str) -> None:
    shown = signed_in("operator").get(path).content
    assert [word for word in TELLING if word in shown]


def test_the_page_says_who_may_see_it(lab: Server) -> None:
    answer = signed_in("viewer").get("/servers/lab/")
    assert answer.status_code == 200
    assert b"is for operators" in answer.content


def test_the_api_says_so_too(lab: Server) -> None:
    answer = signed_in("viewer").get("/api/v1/servers/lab/messages")
    assert (answer.status_code, answer.json()["code"]) == (403, "SP-1005")


def test_the_token_of_an_admin_with_the_scope_of_a_viewer_reads_nothing_either(lab: Server) -> None:
    token = Token.issue(User.objects.create(username="ada", role="admin"), scope="viewer")
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/servers/lab/messages", headers=headers).status_code == 403
    assert SECRET not in Client().get("/servers/lab/", headers=headers).content


def test_a_server_that_was_one_keeps_what_it_ran_to_itself(lab: Server) -> None:
    Server.objects.update(kind="tcp")
    assert conversations.hidden("viewer", {lab.pk}) == {lab.pk}
    assert conversations.hidden("operator", {lab.pk}) == set()


def test_other_servers_are_for_everybody(lab: Server) -> None:
    echo = make("echo", "tcp")
    assert conversations.hidden("viewer", {lab.pk, echo.pk}) == {lab.pk}
    assert SECRET in signed_in("viewer").get("/servers/echo/").content
