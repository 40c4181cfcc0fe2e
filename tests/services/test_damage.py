"""A damaged database is refused with the command that helps, and what is read of one is never something else than was stored."""

import http.client
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.services.stored import CHECKOUT, Stored, long_form, query, seeded
from tests.waiting import eventually

CORRUPTIONS = 1000 if long_form() else 40
# Brings the panel up as `up` would, and reads all that people can see
DRIVER = """
import json, sys
import django
django.setup()
from django.db import Error, connections
from services import databases, errors, history
from services.models import Server
from services.storage import users

def look():
    databases.prepare()
    servers = list(Server.objects.values("id", "name", "kind", "host", "port", "reply", "framing", "notes"))
    seen, after = [], 0
    while True:
        page = history.messages(servers[0]["id"], history.Query(after=after, limit=1000))
        seen += [[m.seq, m.at, m.connection, m.peer, m.direction, m.size, m.sent_by, m.data.hex()] for m in page.messages]
        if not page.more:
            return {"servers": servers, "messages": seen}
        after = page.last

for line in sys.stdin:
    try:
        told = look()
    except errors.SockpanelError as error:
        told = {"code": error.code, "detail": error.message}
    except Error as error:
        failure = databases.failure(error)
        told = {"code": failure.code, "detail": failure.message} if failure else {"code": "none", "detail": repr(error)}
    except Exception as error:
        told = {"code": "traceback", "detail": repr(error)}
    connections.close_all()
    print(json.dumps(told), flush=True)
"""


class Reader:
    """A process that reads the databases again and again."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self._process = subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            cwd=CHECKOUT,
            env=stored.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def look(self) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture
def stored(data_directory: Path, environment: dict[str, str]) -> Stored:
    made = Stored(data_directory, environment)
    made.fill(600)
    return made


@pytest.fixture
def reader(stored: Stored) -> Iterator[Reader]:
    made = Reader(stored)
    yield made
    made.end()


def cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def zeros(content: bytearray, chance: random.Random) -> None:
    block(content, chance, bytes)


def garbage(content: bytearray, chance: random.Random) -> None:
    block(content, chance, chance.randbytes)


def block(content: bytearray, chance: random.Random, filling: Callable[[int], bytes]) -> None:
    """What a disk loses: a sector, or several."""
    size = chance.choice([512, 4096, 16384])
    start = chance.randrange(0, max(len(content) - size, 1), 512)
    content[start : start + size] = filling(size)[: len(content) - start]


def swapped(content: bytearray, chance: random.Random) -> None:
    one, other = (4096 * number for number in chance.sample(range(len(content) // 4096), 2))
    content[one : one + 4096], content[other : other + 4096] = content[other : other + 4096], content[one : one + 4096]


def header(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(100)] ^= 1 << chance.randrange(8)


def bit(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


VALUES = (bit, zeros, garbage, swapped)  # may hit the inside of values
KINDS = (cut, zeros, garbage, swapped, header, bit)


def test_random_damage_is_refused_or_does_no_harm(stored: Stored, reader: Reader) -> None:
    """Except where SQLite keeps no trace: what changed inside stored values stays with them (a lost sector ends in two rows at most);
    no row is missing, doubled or in another's place."""
    chance, seen = seeded(), Counter[tuple[str, str]]()
    truth = reader.look()
    assert len(truth["messages"]) == 600
    whole = {file: file.read_bytes() for file in (stored.control, stored.messages)}
    for number in range(CORRUPTIONS):
        kind, victim = KINDS[number % len(KINDS)], chance.choice([stored.control, stored.messages])
        damage(whole, victim, kind, chance)
        told = reader.look()
        outcome = told.get("code") or ("unharmed" if told == truth else f"{harmed_rows(truth, told)} rows")
        seen[kind.__name__, outcome] += 1
        assert outcome in ("SP-4010", "unharmed") or (kind in VALUES and outcome in ("1 rows", "2 rows")), (
            seen,
            victim,
            told,
        )
        assert "detail" not in told or "manage.py restore" in told["detail"]
    print(seen)


def damage(
    whole: dict[Path, bytes], victim: Path, kind: Callable[[bytearray, random.Random], None], chance: random.Random
) -> None:
    """All files as they were, but for one."""
    for file, content in whole.items():
        for beside in file.parent.glob(f"{file.name}-*"):
            beside.unlink()
        file.write_bytes(content)
    harmed = bytearray(whole[victim])
    kind(harmed, chance)
    victim.write_bytes(harmed)


def harmed_rows(truth: dict[str, Any], told: dict[str, Any]) -> int:
    """Rows with a value that is not what was stored; all of them where one is missing or has another's number."""
    if [row[0] for row in truth["messages"]] != [row[0] for row in told["messages"]]:
        return len(truth["messages"])
    pairs = [
        *zip(truth["servers"], told["servers"], strict=True),
        *zip(truth["messages"], told["messages"], strict=True),
    ]
    return sum(row != its for row, its in pairs)


def test_a_strangers_database_is_refused_and_left_as_it_is(stored: Stored, reader: Reader) -> None:
    query(stored.messages.with_name("other"), "CREATE TABLE notes (text)")
    stored.messages.write_bytes(stored.messages.with_name("other").read_bytes())
    before = stored.messages.read_bytes()
    told = reader.look()
    assert (told["code"], stored.messages.read_bytes()) == ("SP-4010", before)
    assert "belongs to something else" in told["detail"]


def test_the_databases_under_each_others_name_are_refused(stored: Stored, reader: Reader) -> None:
    control, messages = stored.control.read_bytes(), stored.messages.read_bytes()
    stored.control.write_bytes(messages)
    stored.messages.write_bytes(control)
    assert reader.look()["code"] == "SP-4010"


def test_the_messages_of_another_panel_are_refused(stored: Stored, reader: Reader) -> None:
    assert "messages" in reader.look()
    query(stored.messages, "PRAGMA user_version = 7")
    told = reader.look()
    assert told["code"] == "SP-4010"
    assert "two different panels" in told["detail"]


def test_the_newest_backup_is_named(stored: Stored, reader: Reader) -> None:
    path = stored.manage("backup", check=True).stdout.strip()
    stored.control.write_bytes(b"no database" * 500)
    assert f"manage.py restore {path}." in reader.look()["detail"]


def test_every_command_refuses_in_one_line(stored: Stored) -> None:
    content = bytearray(stored.control.read_bytes())
    content[4096:40960] = bytes(36864)
    stored.control.write_bytes(content)
    for words in (["servers", "list"], ["token", "create", "ada"], ["up"], ["supervise"], ["web"], ["backup"]):
        done = stored.manage(*words)
        assert (words, done.returncode != 0, done.stderr.count("\n")) == (words, True, 1), done.stderr
        assert "manage.py restore" in done.stderr


def test_a_running_panel_says_so_and_goes_on(stored: Stored) -> None:
    """Pages, API and health check; the supervisor holds back what it cannot store."""
    stored.python(
        "import django; django.setup(); from sockpanel.accounts.models import User; User.objects.create_user('ada', role='admin')",
        check=True,
    )
    token = stored.manage("token", "create", "ada", check=True).stdout.split()[-1]
    port = free_port()
    environment = stored.environment | {"SOCKPANEL_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "manage.py", "web"], cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL
    ) as web:
        try:
            eventually(lambda: get(port, "/healthz", token)[0] == 200, within=60)
            with stored.messages.open("r+b") as file:
                file.seek(4096)
                file.write(os.urandom(stored.messages.stat().st_size - 4096))
            status, body = get(port, "/api/v1/servers/lab/messages", token)
            assert (status, json.loads(body)["code"]) == (503, "SP-4010")
            assert "manage.py restore" in json.loads(body)["detail"]
            assert (get(port, "/api/v1/presets", token)[0], web.poll()) == (200, None)
        finally:
            web.terminate()


def get(port: int, path: str, token: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionRefusedError:
        return 0, b""
    finally:
        connection.close()
