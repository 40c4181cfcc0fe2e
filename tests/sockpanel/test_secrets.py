"""Secrets of every sort go into a real panel, and come out nowhere: no log, no database, no process list, no page."""

import io
import logging
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.handlers.base import BaseHandler
from django.test import Client

from sockpanel.accounts.models import Token, User
from sockpanel.logs import OneLine
from tests.ports import free_port
from tests.services.tls.making import pair
from tests.sockpanel.accounts.test_gate import every_path
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Visitor
from tests.waiting import eventually

SECRET_KEY = "Canary0fTheSecretKeyOfThisPanel-8d1f6b3a9c"
PASSWORD = "canary password of the first admin 7731"
WRONG = "canary of a wrong password 5512"
TRUSTED = ("supervise", "web")  # processes of the panel itself, which are told its settings as people gave them


class Laden:
    """A panel that has been given, or has made, one secret of each sort."""

    def __init__(self, panel: Panel, directory: Path) -> None:
        self.panel, self.secrets = panel, {"the secret key": SECRET_KEY, "a password": PASSWORD, "a wrong one": WRONG}
        self.directory = directory
        self.ada = panel.login()
        self.secrets["a session"] = next(value for name, value in self.ada.cookies.items() if name.startswith("sp_"))
        self.secrets["a token"] = panel.token
        for name in ("ada", WRONG):  # people type their password as their name, too
            self.panel.visitor().sign_in(name, WRONG)
        self.output = self._commands()
        self._private_keys()
        self._typed_with_a_wrong_password()
        link = panel.manage("setup_token", "--reset", panel.username).stdout
        self.secrets["a set-up token"] = link.split("#token=")[1].split()[0]
        self._expose()

    def _commands(self) -> bytes:
        """What a command sees of the environment."""
        assert self.panel.manage("remote_commands", "on").returncode == 0
        port = self._serve("command-ready")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"env")
            assert client.recv(100).startswith(b"Ready|")
            client.sendall(b"Start")
            return client.recv(65_536)

    def _private_keys(self) -> None:
        made = self.ada.post("/api/v1/keys", json={"name": "laptop"})
        assert made.status == 201, made.text
        self.secrets["a key of remote commands"] = made.json()["private"].splitlines()[1]
        mine = pair("lab")
        for name, text in (("chain", mine.chain), ("key", mine.key_text)):
            (self.directory / f"{name}.pem").write_text(text)
        files = ["--chain", f"{self.directory}/chain.pem", "--key", f"{self.directory}/key.pem"]
        uploaded = self.panel.manage("certificates", "upload", "lab", *files)
        assert uploaded.returncode == 0, uploaded.stderr
        self.secrets["a key of TLS"] = mine.key_text.splitlines()[1]
        self._serve("echo", tls={"mode": "on", "certificate": "lab"}, name="tls")

    def _typed_with_a_wrong_password(self) -> None:
        """A form is sent again with the password that it was asked for, and that is wrong."""
        form = {"verb": "password", "current": "no canary", "password": WRONG, "key": self.secrets["a key of TLS"]}
        assert self.ada.post("/account/", form).status == 422

    def _expose(self) -> None:
        """The session and the token come to a server; then they are over."""
        port = self._serve("echo")
        said = (
            f"GET / HTTP/1.1\r\nCookie: {self._cookie()}\r\nAuthorization: Bearer {self.panel.token}\r\n\r\n".encode()
        )
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(said)
            eventually(lambda: self.ada.get("/servers/").status == 302)
        self.panel.visitor().get(f"/servers/?token={self.panel.token}", **{"User-Agent": self._cookie()})
        self._be_browser()

    def _be_browser(self) -> None:
        """What a browser says of itself is kept with its session."""
        visitor = self.panel.visitor()
        visitor.headers["User-Agent"] = f"{self._cookie()} {self.panel.token}"
        assert visitor.sign_in(self.panel.username, self.panel.password).status == 302

    def _cookie(self) -> str:
        [name] = [name for name in self.ada.cookies if name.startswith("sp_")] or ["sp_00000000"]
        return f"{name}={self.secrets['a session']}"

    def _serve(self, preset: str, **words: object) -> int:
        port, name = free_port(), words.setdefault("name", preset)
        assert self.ada.post("/api/v1/servers", json={"preset": preset, "port": port, **words}).status == 201
        started = self.ada.post(f"/api/v1/servers/{name}/start", json={})
        assert started.status == 200, started.text
        return port

    def hits(self, held: str | bytes) -> list[str]:
        """What stands in there and must not."""
        data = held if isinstance(held, bytes) else held.encode()
        return [what for what, secret in self.secrets.items() if secret.encode() in data]


@pytest.fixture(scope="module")
def laden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laden]:
    panel = Panel(SOCKPANEL_SECRET_KEY=SECRET_KEY)
    panel.password = panel._admin["SOCKPANEL_ADMIN_PASSWORD"] = PASSWORD
    panel.start()
    try:
        yield Laden(panel, tmp_path_factory.mktemp("keys"))
    finally:
        panel.end()


def test_the_log_holds_none(laden: Laden):
    assert laden.hits(laden.panel.log()) == []


def test_the_data_directory_holds_none_but_in_files_for_its_owner_alone(laden: Laden):
    found = {path: laden.hits(path.read_bytes()) for path in laden.panel.data_dir.rglob("*") if path.is_file()}
    found = {path: hits for path, hits in found.items() if hits}
    assert {hit for hits in found.values() for hit in hits} == {"a key of TLS", "a set-up token"}
    assert [path for path in found if path.suffix in (".sqlite3", ".sqlite3-wal")] == []
    assert [path for path in found if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)] == []


def test_no_command_line_holds_one(laden: Laden):
    lines = [" ".join(process.cmdline()) for process in _processes(laden)]
    assert len(lines) > 4
    assert [line for line in lines if laden.hits(line)] == []


def test_no_process_but_the_panels_own_is_told_one(laden: Laden):
    told = {name: laden.hits(_environment(process)) for name, process in _children(laden)}
    assert any("services.servers" in name for name in told)
    assert {name: hits for name, hits in told.items() if hits} == {name: ["the secret key"] for name in TRUSTED}


def test_no_command_sees_one(laden: Laden):
    assert b"PATH=" in laden.output
    assert laden.hits(laden.output) == []


def test_no_page_and_no_answer_holds_one(laden: Laden):
    ada = laden.panel.login()
    paths = [
        "/servers/",
        "/servers/echo/",
        "/servers/echo/history/",
        "/servers/echo/traffic/",
        "/servers/tls/settings/",
    ]
    paths += ["/client/", "/commands/", "/commands/keys/", "/admin/", "/admin/accounts/user/"]
    paths += [
        f"/api/v1/{path}" for path in ("servers", "servers/echo/messages", "servers/tls", "keys", "commands", "node")
    ]
    answers = {path: ada.get(path) for path in paths}
    assert {path: answer.status for path, answer in answers.items() if answer.status != 200} == {}
    assert {
        path: hits for path, answer in answers.items() if (hits := laden.hits(_whole(answer.headers, answer.body)))
    } == {}


def test_what_was_exposed_is_over_and_the_rest_goes_on(laden: Laden):
    visitor = Visitor(laden.panel.host, laden.panel.port)
    visitor.headers["Authorization"] = f"Bearer {laden.secrets['a token']}"
    assert visitor.get("/api/v1/servers").status == 401
    assert laden.panel.login().get("/api/v1/servers").status == 200


def _whole(headers: object, body: bytes) -> bytes:
    return str(headers).encode() + body


def _processes(laden: Laden) -> list[psutil.Process]:
    parent = psutil.Process(laden.panel.process.pid)
    return [parent, *parent.children(recursive=True)]


def _children(laden: Laden) -> list[tuple[str, psutil.Process]]:
    """By the end of their command line."""
    return [(" ".join(process.cmdline()[-2:]).split("manage.py ")[-1], process) for process in _processes(laden)[1:]]


def _environment(process: psutil.Process) -> bytes:
    with open(f"/proc/{process.pid}/environ", "rb") as file:
        return file.read()


@pytest.mark.django_db(databases=["default", "messages"])
def test_a_failure_of_any_page_shows_no_secret_and_no_path(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch):
    """Neither whoever asked nor the log gets a header, a cookie or a field of the form."""
    client.raise_request_exception = False
    client.force_login(ada)
    token = Token.issue(ada)
    secrets = [token, str(client.session.session_key), WRONG, SECRET_KEY]
    monkeypatch.setattr(BaseHandler, "make_view_atomic", lambda *_: _fail)
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(OneLine())
    logging.getLogger().addHandler(handler)
    try:
        pages = [answer for path in every_path() for answer in _asked(client, path, token)]
    finally:
        logging.getLogger().removeHandler(handler)
    assert {page.status_code for page in pages} == {500}
    assert "ZeroDivisionError" in said.getvalue()
    shown = [page.content.decode() + str(page.headers) for page in pages]
    assert [page for page in shown if "Traceback" in page or "/sockpanel/" in page or ".py" in page] == []
    assert [secret for secret in secrets for text in [*shown, said.getvalue()] if secret in text] == []


def _asked(client: Client, path: str, token: str) -> list[Any]:
    headers = {"X-Password": WRONG, "User-Agent": SECRET_KEY}
    bearer = {**headers, "Authorization": f"Bearer {token}"}
    return [
        client.get(path, headers=headers),
        client.post(path, {"password": WRONG, "username": "ada"}, headers=headers),
        client.get(path, headers=bearer),
    ]


def _fail(request: object, *_: object, **__: object) -> None:
    raise ZeroDivisionError("it broke")
