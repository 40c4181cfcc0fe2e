"""The Commands page and what it leads to: who sees what, where commands can be run now, the list, a command's own page, the banner."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services import operations
from services.models import Command, Execution, Server
from services.remote import files, switch
from tests.sockpanel.pages.conftest import AT, stands

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

UNAME = {
    "id": "uname",
    "program": "/usr/bin/uname",
    "arguments": [{"name": "what", "choices": ["-a", "-s"]}],
    "explains": "The <system>",
}


@pytest.fixture
def switched_on(db: None) -> None:
    switch.turn_on("ada")


@pytest.fixture
def lab(switched_on: None, supervised: None) -> Callable[..., Server]:
    """Makes a remote-command server that runs: lab("hall-3", shell=True)."""

    def make(name: str = "lab", state: str = "RUNNING", **options: Any) -> Server:
        port = 9900 + Server.objects.count()
        words = {"name": name, "kind": "command", "port": port, "options": {"commands": [UNAME], **options}}
        server = operations.create(words, "ada")
        stands(server, state)
        return server

    return make


def command(line: str = "uname -a", **words: Any) -> Command:
    values = {"user": "otto", "server": "lab", "state": "done", "exit_code": 0, "seconds": 0.01, "stdout_bytes": 6}
    return Command.objects.create(argv=line.split(), line=line, **{**values, **words})


def text(client: Client, path: str = "/commands/") -> str:
    return client.get(path).content.decode()


def targets(page: str) -> list[str]:
    return re.findall(r'name="server" value="([^"]+)"', page)


def test_viewers_have_no_such_page_and_no_way_to_it(viewer: Client, switched_on: None) -> None:
    assert viewer.get("/commands/").status_code == 403
    assert viewer.get(f"/commands/{command().pk}/").status_code == 403
    assert 'href="/commands/"' not in text(viewer, "/servers/")


def test_the_way_there_is_shown_when_there_is_something_to_see(operator: Client) -> None:
    assert 'href="/commands/"' not in text(operator, "/servers/")
    command()
    assert 'href="/commands/"' in text(operator, "/servers/")


def test_a_page_that_is_switched_off_says_how_to_switch_it_on_and_shows_the_past(operator: Client) -> None:
    command("df -h")
    page = text(operator)
    assert "manage.py remote_commands on" in page
    assert "data-order" not in page
    assert "df -h" in page


def test_a_machine_that_forbids_them_says_what_forbids_them(operator: Client, switched_on: None, settings: Any) -> None:
    settings.SOCKPANEL_REMOTE_COMMANDS = "off"
    page = text(operator)
    assert "SOCKPANEL_REMOTE_COMMANDS" in page
    assert "manage.py remote_commands on" not in page


def test_running_servers_with_frames_can_be_chosen(operator: Client, lab: Callable[..., Server]) -> None:
    lab("hall-3")
    lab("hall-4", state="STOPPED")
    lab("plain", dialect="ready", commands=[])
    page = text(operator)
    assert targets(page) == ["hall-3"]
    told = json.loads(re.search(r'id="allowed"[^>]*>(.*?)</script>', page)[1])
    assert told["hall-3"]["commands"][0]["choices"] == ["-a", "-s"]


def test_what_the_address_says_is_filled_in(operator: Client, lab: Callable[..., Server]) -> None:
    lab("hall-3")
    lab("hall-4")
    page = text(operator, "/commands/?server=hall-4&line=uname+-a")
    assert re.findall(r'value="(hall-\d)" data-target-choice checked', page) == ["hall-4"]
    assert 'value="uname -a"' in page
    assert 'value="192.0.2.7"' in text(operator, "/commands/?another=1&host=192.0.2.7&port=9")


def test_the_shell_is_offered_to_admins_only(admin: Client, operator: Client, lab: Callable[..., Server]) -> None:
    lab(shell=True)
    assert "data-mode" in text(admin)
    assert "data-mode" not in text(operator)
    assert 'href="/commands/keys/">' not in re.sub(r"<form.*?</form>", "", text(operator), flags=re.DOTALL)


def test_the_past_is_searched_filtered_and_paged(operator: Client) -> None:
    for number in range(60):
        command(f"df /{number}", user="ada" if number % 2 else "otto", server="lab" if number % 3 else "hall-3")
    lines = re.compile(r"df /(\d+)</span>")
    assert lines.findall(text(operator))[:2] == ["59", "58"]
    older = re.search(r'href="\?([^"]*before=[^"]*)"', text(operator))
    assert lines.findall(text(operator, "/commands/?" + older[1].replace("&amp;", "&"))) == [
        str(n) for n in range(9, -1, -1)
    ]
    assert lines.findall(text(operator, "/commands/?q=DF+/5")) == [
        "59",
        "58",
        "57",
        "56",
        "55",
        "54",
        "53",
        "52",
        "51",
        "50",
        "5",
    ]
    assert lines.findall(text(operator, "/commands/?user=ada&q=/5")) == ["59", "57", "55", "53", "51", "5"]
    assert lines.findall(text(operator, "/commands/?where=hall-3&q=/5")) == ["57", "54", "51"]
    assert "No command fits" in text(operator, "/commands/?q=nothing+like+it")


def test_lines_from_outside_are_text(operator: Client) -> None:
    pk = command("printf '<b>\x1b[2J\u202e'", error="<i>", state="failed").pk
    for page in (text(operator), text(operator, f"/commands/{pk}/")):
        assert "&lt;b&gt;\\x1b[2J&lt;U+202E&gt;" in page
        assert "<i>" not in page


def test_a_command_can_be_taken_into_the_line_again(operator: Client, switched_on: None) -> None:
    command("df -h")
    command("uname", server="", host="::1", port=9, key="ab" * 32)
    command("id; id", shell=True)
    page = text(operator).replace("&amp;", "&")
    assert "?server=lab&line=df+-h" in page
    assert f"?another=1&host=%3A%3A1&port=9&key={'ab' * 32}&line=uname" in page
    assert "id%3B" not in page


def test_there_is_no_page_of_a_command_that_is_not_there(operator: Client) -> None:
    assert operator.get("/commands/7/").status_code == 404


def test_a_banner_stands_on_every_page_while_one_runs(viewer: Client, lab: Callable[..., Server]) -> None:
    server = lab("hall-3", shell=True)
    for path in ("/servers/", "/client/", "/servers/hall-3/"):
        banner = text(viewer, path).split("data-standing")[1].split("</div>")[0]
        assert "hall-3" in banner
        assert "shell" in banner
        assert "hidden" not in banner.split(">")[0]
    stands(server, "STOPPED")
    assert "hidden" in text(viewer, "/servers/").split("data-standing")[1].split(">")[0]


def test_its_page_tells_how_to_reach_it_and_has_no_send_box(admin: Client, lab: Callable[..., Server]) -> None:
    server = lab("hall-3")
    page = text(admin, "/servers/hall-3/")
    assert files.server_public(server.pk).hex() in page
    assert "/commands/?server=hall-3" in page
    assert "data-send" not in page


def test_its_history_lists_what_it_ran_for_operators(
    operator: Client, viewer: Client, lab: Callable[..., Server]
) -> None:
    server = lab("hall-3")
    Execution.objects.create(
        server_id=server.pk, run=1, ask=1, connection=1, at=AT, key="meter-7", public="ab", who="", source="192.0.2.9:1",
        is_new_source=True, command="uname", argv=["uname", "<-a>"], argv_sha256="x", ended_at=AT + 1, exit_code=0,
        seconds=0.5, output=b"Linux\n<b>",
    )  # fmt: skip
    page = text(operator, "/servers/hall-3/history/")
    for part in ("meter-7", "192.0.2.9:1", "uname &lt;-a&gt;", "exit 0", "0.500 s", "Linux\n&lt;b&gt;", ">new<"):
        assert part in page
    assert "meter-7" not in text(viewer, "/servers/hall-3/history/")


def test_without_script_a_line_that_makes_no_sense_stays_with_its_sentence(
    operator: Client, lab: Callable[..., Server]
) -> None:
    lab("hall-3")
    for posted, sentence in (
        ({"server": "hall-3", "line": "uname 'a"}, "cannot be cut into words"),
        ({"line": "uname"}, "There is nowhere to run it"),
        ({"server": "hall-3", "line": ""}, "argv is a list of 1 to 64 words"),
        ({"server": "hall-3", "line": "id", "mode": "shell"}, "A free command line is for admins"),
        ({"another": "1", "host": "x", "port": "y", "line": "id"}, "The port is a whole number"),
    ):
        answer = operator.post("/commands/", posted)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert f'value="{posted["line"].replace(chr(39), "&#x27;")}"' in answer.content.decode()
    assert not Command.objects.exists()


def test_the_kind_is_on_offer_only_when_switched_on(admin: Client) -> None:
    assert 'value="command"' not in text(admin, "/servers/new/")
    switch.turn_on("ada")
    page = text(admin, "/servers/new/")
    assert 'value="command"' in page
    assert "/usr/bin/uname" in page  # an allow-list to begin with


def test_a_form_for_the_kind_that_is_switched_off_is_refused_in_a_sentence(admin: Client) -> None:
    fields = {
        one.field.name: one.value for group in admin.get("/servers/new/").context["groups"] for one in group.fields
    }
    posted = {name: value for name, value in fields.items() if value not in ("", None, False)}
    posted |= {"name": "lab", "kind": "command", "port": "9997"}
    answer = admin.post("/servers/new/", posted)
    assert answer.status_code == 409
    assert "remote_commands on" in answer.content.decode()
    assert not Server.objects.exists()
