"""Remote commands by way of the real panel: asked for over the API, watched over the WebSocket, found again in the history."""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.services.servers.commands.caged import alive
from tests.sockpanel.commanding import Commander, server
from tests.sockpanel.panel import Panel
from tests.waiting import eventually, eventually_async

MIB = 1024 * 1024
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def house() -> Iterator[Panel]:
    panel = Panel()
    panel.start()
    assert panel.manage("remote_commands", "on").returncode == 0
    words = "User.objects.create_user({name!r}, password={password!r}, role={name!r})"
    made = "; ".join(words.format(name=name, password=panel.password) for name in ("operator", "viewer"))
    done = panel.manage("shell", "-c", f"from sockpanel.accounts.models import User; {made}")
    assert done.returncode == 0, done.stderr
    yield panel
    panel.end()


@pytest.fixture(scope="module")
def ada(house: Panel) -> Commander:
    """An admin."""
    return Commander(house, house.token)


@pytest.fixture(scope="module")
def otto(house: Panel) -> Commander:
    """An operator."""
    return Commander(house, house.manage("token", "create", "operator").stdout.split()[-1])


@pytest.fixture(scope="module")
def vera(house: Panel) -> Commander:
    """A viewer."""
    return Commander(house, house.manage("token", "create", "viewer").stdout.split()[-1])


@pytest.fixture(scope="module")
def lab(ada: Commander) -> str:
    return str(server(ada, "lab", shell=True)["name"])


def seconds() -> str:
    """To sleep as no other process sleeps: the allow-list takes up to 100."""
    return f"{secrets.randbelow(90) + 10}"


def test_an_operator_runs_an_allowed_command(otto: Commander, lab: str) -> None:
    status, body = otto.ask("POST", "/commands", {"server": lab, "argv": ["uname", "-s"]})
    assert status == 200
    assert (body["stdout"], body["stderr"], body["exit_code"], body["signal"]) == ("Linux\n", "", 0, None)
    assert (body["state"], body["user"], body["line"], body["truncated"]) == ("done", "operator", "uname -s", False)
    assert body["seconds"] >= 0


def test_output_comes_as_bytes_when_asked_for(ada: Commander, lab: str) -> None:
    line = {"server": lab, "shell": r"printf '\377\000a'"}
    assert ada.ask("POST", "/commands", line)[1]["stdout"] == "\ufffd\0a"
    assert ada.ask("POST", "/commands", {**line, "encoding": "base64"})[1]["stdout"] == "/wBh"


def test_a_free_command_line_is_for_admins(ada: Commander, otto: Commander, lab: str) -> None:
    status, body = otto.ask("POST", "/commands", {"server": lab, "shell": "id"})
    assert (status, body["code"]) == (403, "SP-1005")
    status, body = ada.ask("POST", "/commands", {"server": lab, "shell": "echo out; echo err >&2; exit 3"})
    assert (status, body["stdout"], body["stderr"], body["exit_code"]) == (200, "out\n", "err\n", 3)


def test_a_viewer_sees_nothing_of_it(vera: Commander, lab: str) -> None:
    for method, path in (
        ("POST", "/commands"),
        ("GET", "/commands"),
        ("GET", "/commands/1"),
        ("GET", f"/servers/{lab}/executions"),
    ):
        assert vera.ask(method, path, {} if method == "POST" else None)[0] == 403


@pytest.mark.parametrize(
    ("words", "status", "code", "field"),
    [
        ({}, 422, "SP-6001", "server"),
        ({"server": "nobody", "argv": ["uname"]}, 422, "SP-6001", "server"),
        ({"server": "lab"}, 422, "SP-6001", "argv"),
        ({"server": "lab", "argv": []}, 422, "SP-6001", "argv"),
        ({"server": "lab", "argv": ["a\0"]}, 422, "SP-6001", "argv"),
        ({"server": "lab", "argv": ["uname"], "shell": "id"}, 422, "SP-6001", "argv"),
        ({"server": "lab", "argv": "uname"}, 422, "SP-6001", "argv"),
        ({"server": "lab", "argv": ["uname"], "encoding": "hex"}, 422, "SP-6001", "encoding"),
        ({"server": "lab", "argv": ["uname"], "wait": "no"}, 422, "SP-6001", "wait"),
        ({"server": "lab", "argv": ["uname"], "who": "root"}, 422, "SP-6001", "who"),
        ({"host": "127.0.0.1", "argv": ["uname"]}, 422, "SP-6001", "port"),
        ({"host": "127.0.0.1", "port": 9, "argv": ["uname"]}, 422, "SP-5011", "key"),
        ({"server": "lab", "argv": ["rm", "-rf"]}, 422, "SP-5003", None),
        ({"server": "lab", "argv": ["uname", "-x"]}, 422, "SP-5004", None),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(
    ada: Commander, lab: str, words: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    found, body = ada.ask("POST", "/commands", words)
    assert (found, body["code"], body.get("field")) == (status, code, field), body


def test_a_server_of_somebody_else_is_reached_by_address_and_key(ada: Commander, lab: str) -> None:
    port = ada.ask("GET", f"/servers/{lab}")[1]["port"]
    key = ada.ask("GET", f"/servers/{lab}/key")[1]["public"]
    target = {"host": "127.0.0.1", "port": port, "argv": ["uname"]}
    assert ada.ask("POST", "/commands", {**target, "key": key})[1]["stdout"] == "Linux\n"
    other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    status, body = ada.ask("POST", "/commands", {**target, "key": other})
    assert (status, body["code"]) == (409, "SP-5010")
    assert key in body["detail"]


def test_the_panel_itself_is_no_target(ada: Commander) -> None:
    target = {"host": "127.0.0.1", "port": ada.panel.port, "key": "ab" * 32, "argv": ["uname"]}
    status, body = ada.ask("POST", "/commands", target)
    assert (status, body["code"]) == (403, "SP-7007")


def test_a_server_that_does_not_run_is_told(ada: Commander) -> None:
    name = str(server(ada, "resting")["name"])
    ada.ask("POST", f"/servers/{name}/stop")
    status, body = ada.ask("POST", "/commands", {"server": name, "argv": ["uname"]})
    assert (status, body["code"]) == (409, "SP-2203")
    assert ada.ask("GET", "/commands?limit=1")[1]["commands"][0]["state"] == "failed"


def test_a_token_that_a_command_writes_is_shown_to_nobody_and_revoked(
    ada: Commander, otto: Commander, lab: str
) -> None:
    token = ada.panel.manage("token", "create", "ada").stdout.split()[-1]
    hidden = base64.b64encode(token.encode()).decode()
    line = f"echo {hidden} | base64 -d; echo {hidden} | base64 -d >&2"
    status, ran = ada.ask("POST", "/commands", {"server": lab, "shell": line})
    assert (status, ran["stdout"], ran["stdout_bytes"]) == (200, "sp_[redacted]", len(token))
    read = otto.ask("GET", f"/commands/{ran['id']}")[1]
    assert leaks_of(token, json.dumps([ran, read])) == []
    assert otto.ask("GET", f"/commands?contains={token[20:]}")[1]["commands"] == []
    eventually(lambda: Commander(ada.panel, token).ask("GET", "/account")[0] == 401)
    entries = ada.panel.manage("audit", "list", "--json").stdout
    assert '"token.exposed"' in entries
    assert leaks_of(token, entries) == []


def leaks_of(token: str, text: str) -> list[str]:
    """Pieces of it that stand there."""
    return [token[at : at + 20] for at in range(len(token) - 19) if token[at : at + 20] in text]


def test_a_command_line_with_a_token_is_refused_before_it_is_kept(ada: Commander, otto: Commander, lab: str) -> None:
    token = ada.panel.manage("token", "create", "ada").stdout.split()[-1]
    for words in ({"argv": ["uname", token]}, {"shell": f"date +x{token}"}):
        status, body = ada.ask("POST", "/commands", {"server": lab, **words})
        assert (status, body["code"], token in body["detail"]) == (422, "SP-6001", False)
    assert otto.ask("GET", f"/commands?contains={token}")[1]["commands"] == []
    assert Commander(ada.panel, token).ask("GET", "/account")[0] == 200


def test_the_history_knows_who_ran_what_where_and_what_came_of_it(ada: Commander, otto: Commander, lab: str) -> None:
    mark = secrets.token_hex(8)
    number = ada.ask("POST", "/commands", {"server": lab, "shell": f"echo {mark[:8]}'{mark[8:]}'"})[1]["id"]
    for query in (f"contains={mark}", f"contains={mark}&server={lab}&user=ada&state=done"):
        found = otto.ask("GET", f"/commands?{query}")[1]
        assert [row["id"] for row in found["commands"]] == [number], query
    assert otto.ask("GET", f"/commands?contains={mark}&user=operator")[1]["commands"] == []
    assert otto.ask("GET", f"/commands/{number}")[1]["stdout"] == f"{mark}\n"
    status, told = otto.ask("GET", "/commands/999999999")
    assert (status, told["code"]) == (404, "SP-5012")


def test_the_history_is_paged(ada: Commander, lab: str) -> None:
    for _ in range(3):
        ada.ask("POST", "/commands", {"server": lab, "argv": ["uname"]})
    first = ada.ask("GET", "/commands?limit=2")[1]
    assert (len(first["commands"]), first["more"]) == (2, True)
    then = ada.ask("GET", f"/commands?limit=2&before={first['last']}")[1]
    assert then["first"] < first["last"] < first["first"]


def test_every_run_is_in_the_server_s_own_history_too(ada: Commander, otto: Commander, lab: str) -> None:
    otto.ask("POST", "/commands", {"server": lab, "argv": ["uname", "-n"]})
    otto.ask("POST", "/commands", {"server": lab, "argv": ["rm"]})
    newest = eventually(lambda: _whole(ada.ask("GET", f"/servers/{lab}/executions?limit=2")[1]["executions"]))
    refused, ran = newest
    assert (ran["who"], ran["key"], ran["command"], ran["argv"], ran["exit_code"]) == (
        "operator",
        "the panel",
        "uname",
        ["uname", "-n"],
        0,
    )
    assert (refused["command"], refused["exit_code"]) == ("rm", None)
    assert "not on the allow-list" in refused["why"]


def _whole(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows if all(row["ended_at"] for row in rows) else []


# The WebSocket


async def test_a_command_runs_once_it_is_watched(ada: Commander, lab: str) -> None:
    number = ada.waiting(server=lab, argv=["uname"])
    assert ada.ask("GET", f"/commands/{number}")[1]["state"] == "waiting"
    async with ada.watch(number) as watched:
        assert await watched.next() == {"type": "state", "state": "running"}
        ended = await watched.ended()
        with pytest.raises(ConnectionClosed) as closed:
            await watched.socket.recv()
    assert (watched.output["stdout"], ended["exit_code"], ended["state"]) == (b"Linux\n", 0, "done")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


async def test_output_is_streamed_while_the_command_runs_both_streams_apart(ada: Commander, lab: str) -> None:
    number = ada.waiting(server=lab, shell="echo one; echo two >&2; sleep 60")
    async with ada.watch(number) as watched:
        while watched.end < 8:
            await watched.next()
        assert watched.output == {"stdout": b"one\n", "stderr": b"two\n"}
        await watched.say(type="cancel")
        ended = await watched.ended()
    assert (ended["signal"], ended["state"], ended["why"]) == (9, "done", "it was cancelled")


async def test_what_has_ended_is_shown_once_more(ada: Commander, lab: str) -> None:
    number = ada.ask("POST", "/commands", {"server": lab, "shell": "echo a; echo b >&2; echo c"})[1]["id"]
    async with ada.watch(number) as watched:
        ended = await watched.ended()
    assert (watched.output["stderr"], sorted(watched.output["stdout"])) == (b"b\n", sorted(b"a\nc\n"))
    assert ended["id"] == number


async def test_a_closed_page_takes_its_command_along(ada: Commander, lab: str) -> None:
    mark = secrets.randbelow(900_000) + 100_000
    number = ada.waiting(server=lab, shell=f"echo here; exec sleep {mark}")
    async with ada.watch(number) as watched:
        while watched.end == 0:
            await watched.next()
        await eventually_async(lambda: alive(f"sleep\0{mark}"))
    ended = await eventually_async(lambda: _done(ada, number))
    assert ended["why"] == "its page was closed"
    assert alive(f"sleep\0{mark}") == []


def _done(commander: Commander, number: int) -> Any:
    found = commander.ask("GET", f"/commands/{number}")[1]
    return found if found["state"] in ("done", "failed") else None


async def test_a_page_that_shows_nothing_holds_the_command_up_and_loses_nothing(ada: Commander, lab: str) -> None:
    number = ada.waiting(server=lab, argv=["zeros", "20000000"])
    async with ada.watch(number) as watched:
        while watched.end < MIB:
            await watched.next()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await watched.next()
        assert watched.end < 2 * MIB
        await watched.say(type="ack", end=watched.end)
        ended = await watched.ended()
    assert (len(watched.output["stdout"]), ended["stdout_bytes"], ended["kept_bytes"]) == (20_000_000, 20_000_000, MIB)


async def test_a_command_is_somebody_s_own(ada: Commander, otto: Commander, vera: Commander, lab: str) -> None:
    number = ada.waiting(server=lab, argv=["uname"])
    for stranger, code in ((otto, 4404), (vera, 4403)):  # nobody's business; not for that role
        async with stranger.watch(number) as watched:
            with pytest.raises(ConnectionClosed) as closed:
                await watched.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
    other = otto.waiting(server=lab, argv=["uname"])
    async with ada.watch(other) as watched:
        with pytest.raises(ConnectionClosed) as closed:
            await watched.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


@pytest.mark.parametrize("text", ["{", "[]", '{"type":"run"}', '{"type":"ack","end":-1}', "\ud800"])
async def test_a_frame_that_makes_no_sense_is_told_and_disturbs_nothing(ada: Commander, lab: str, text: str) -> None:
    number = ada.waiting(server=lab, argv=["sleep", "60"])
    async with ada.watch(number) as watched:
        await watched.next()
        await watched.socket.send(text.encode("utf-8", "replace").decode())
        assert (await watched.next())["code"] == "SP-6001"
        await watched.say(type="cancel")
        assert (await watched.ended())["signal"] == 9


async def test_whoever_loses_his_token_loses_the_command(house: Panel, ada: Commander, lab: str) -> None:
    token = house.manage("token", "create", "operator").stdout.split()[-1]
    otto = Commander(house, token)
    number = otto.waiting(server=lab, argv=["sleep", "90"])
    async with otto.watch(number) as watched:
        await watched.next()
        code = "from sockpanel.accounts.models import Token, digest_of; "
        house.manage("shell", "-c", f"{code}Token.objects.filter(digest=digest_of({token!r})).delete()")
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(5):
                await watched.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    assert (await eventually_async(lambda: _done(ada, number)))["why"] == "its page was closed"


async def test_a_server_that_stops_ends_what_runs_and_the_page_is_told(ada: Commander) -> None:
    name = str(server(ada, "short-lived")["name"])
    number = ada.waiting(server=name, argv=["sleep", "90"])
    async with ada.watch(number) as watched:
        await watched.next()
        await asyncio.to_thread(ada.ask, "POST", f"/servers/{name}/stop")
        ended = await watched.ended()
    assert ended["why"] or ended["error"]
    assert json.dumps(ended)


# Keys


def test_a_key_is_registered_restricted_and_revoked(house: Panel, ada: Commander, otto: Commander) -> None:
    assert otto.ask("GET", "/keys")[0] == 403
    words = {"name": "ci", "commands": ["uname"], "sources": ["10.0.0.0/8"]}
    assert ada.ask("POST", "/keys", words)[0] == 403  # by a token
    signed_in = house.login()
    answer = signed_in.post("/api/v1/keys", json=words)
    made = answer.json()
    assert answer.status == 201
    assert made["private"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert made["fingerprint"].startswith("SHA256:")
    listed = ada.ask("GET", "/keys")[1]
    assert len(listed["panel"]) == 64
    assert "private" not in listed["keys"][0]
    wider = {"sources": [], "expires_at": None}
    assert signed_in.post("/api/v1/keys/ci", json=wider, method="PATCH").json()["expires_at"] is None
    assert ada.ask("POST", "/keys/ci/revoke")[1]["revoked_by"] == "ada"
    again = signed_in.post("/api/v1/keys", json={"name": "ci"})
    assert (again.status, again.json()["code"], again.json()["field"]) == (422, "SP-5011", "name")


def test_the_key_of_a_server_is_for_remote_command_servers(ada: Commander, lab: str) -> None:
    assert len(ada.ask("GET", f"/servers/{lab}/key")[1]["public"]) == 64
    ada.ask("POST", "/servers", {"preset": "echo", "name": "plain"})
    assert ada.ask("GET", "/servers/plain/key")[0] == 422


# The switch


def test_switched_off_everything_ends_and_nothing_starts(ada: Commander, lab: str) -> None:
    house = ada.panel
    mark = secrets.randbelow(900_000) + 100_000

    async def cut_off() -> dict[str, Any]:
        async with ada.watch(ada.waiting(server=lab, shell=f"echo here; exec sleep {mark}")) as watched:
            while watched.end == 0:
                await watched.next()
            off = await asyncio.to_thread(house.manage, "remote_commands", "off")
            assert off.returncode == 0
            async with asyncio.timeout(5):
                return await watched.ended()

    try:
        asyncio.run(cut_off())
        assert alive(f"sleep\0{mark}") == []
        assert eventually(lambda: ada.ask("GET", f"/servers/{lab}")[1]["state"] == "STOPPED", within=5)
        for method, path, words in (
            ("POST", f"/servers/{lab}/start", None),
            ("POST", "/commands", {"server": lab, "argv": ["uname"]}),
            ("POST", "/servers", {"kind": "command", "name": "later", "port": 9997, "options": {"shell": True}}),
        ):
            status, body = ada.ask(method, path, words)
            assert (status, body["code"]) == (409, "SP-5001"), path
    finally:
        house.manage("remote_commands", "on")
    assert eventually(lambda: ada.ask("GET", f"/servers/{lab}")[1]["state"] == "RUNNING")
