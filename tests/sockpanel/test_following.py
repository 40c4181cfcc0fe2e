"""Open WebSockets follow the account, in the real panel under traffic: closed within 5 s, whatever ended, and silent from then on."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.ports import free_port
from tests.sockpanel.panel import Panel
from tests.sockpanel.visitor import Visitor

WITHIN = 5.0  # seconds


MAKE = """
from sockpanel.accounts.models import Token, User
ada = User.objects.get(username="ada")
for name in {names!r}:
    user = User.objects.create(username=name, role="operator", password=ada.password)
    print(name, Token.issue(user))
"""


class House:
    """The panel's people; changed by way of its database, as another process would."""

    def __init__(self, panel: Panel, *names: str) -> None:
        self.panel = panel
        done = panel.manage("shell", "-c", MAKE.format(names=names))
        assert done.returncode == 0, done.stderr
        self.tokens = dict(line.split() for line in done.stdout.splitlines() if line.partition(" ")[0] in names)

    def run(self, sql: str, name: str) -> None:
        with contextlib.closing(sqlite3.connect(self.panel.data_dir / "control.sqlite3", timeout=10)) as database:
            with database:
                database.execute(sql, (name,))


class Ending(NamedTuple):
    """Something that ends a socket: what, of whom, and the code it is closed with."""

    sql: str  # with the name for its ?
    code: int
    by_token: bool = False


ENDINGS = {
    "lowered": Ending("UPDATE accounts_user SET role = 'viewer' WHERE username = ?", 4403),
    "disabled": Ending("UPDATE accounts_user SET is_active = 0 WHERE username = ?", 4401),
    "password": Ending("UPDATE accounts_user SET password = 'scrypt$another' WHERE username = ?", 4401),
    "ended": Ending(
        "DELETE FROM accounts_session WHERE user_id = (SELECT id FROM accounts_user WHERE username = ?)", 4401
    ),
    "expired": Ending(
        "UPDATE accounts_session SET expire_date = '2026-01-01' WHERE user_id = (SELECT id FROM accounts_user WHERE username = ?)",
        4401,
    ),
    "revoked": Ending(
        "DELETE FROM accounts_token WHERE user_id = (SELECT id FROM accounts_user WHERE username = ?)",
        4401,
        by_token=True,
    ),
    "over": Ending(
        "UPDATE accounts_token SET expires_at = '2026-01-01' WHERE user_id = (SELECT id FROM accounts_user WHERE username = ?)",
        4401,
        by_token=True,
    ),
    "lower-token": Ending("UPDATE accounts_user SET role = 'viewer' WHERE username = ?", 4403, by_token=True),
}


@pytest.fixture(scope="module")
def house(panel: Panel) -> House:
    return House(panel, *ENDINGS, "leaves", "stays")


@pytest.fixture(scope="module")
def chatty(panel: Panel) -> Iterator[int]:
    """The port of a running server named chatty."""
    admin, port = panel.login(), free_port()
    assert admin.post("/api/v1/servers", json={"preset": "echo", "name": "chatty", "port": port}).status == 201
    assert admin.post("/api/v1/servers/chatty/start", json={}).status == 200
    yield port
    admin.post("/api/v1/servers/chatty", json={}, method="DELETE")


@contextlib.asynccontextmanager
async def talking(port: int) -> AsyncIterator[None]:
    """Somebody says something to the server, again and again, as long as the block takes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def talk() -> None:
        while True:
            writer.write(b"still here\n")
            await reader.readline()
            await asyncio.sleep(0.02)  # a rhythm, not a wait

    talker = asyncio.create_task(talk(), name="talk")
    try:
        yield
    finally:
        talker.cancel()
        writer.close()


def headers(house: House, name: str, by_token: bool) -> tuple[Visitor, dict[str, str]]:
    if by_token:
        return house.panel.visitor(), {"Authorization": f"Bearer {house.tokens[name]}"}
    visitor = house.panel.login(name)
    cookies = "; ".join(f"{key}={value}" for key, value in visitor.cookies.items())
    return visitor, {"Cookie": cookies, "Origin": house.panel.base_url}


async def follow(house: House, sent: dict[str, str]) -> ClientConnection:
    """A socket that messages come by already."""
    socket = await connect(f"ws://127.0.0.1:{house.panel.port}/ws/servers/chatty/", additional_headers=sent)
    await socket.send('{"type":"follow","after":null}')
    await messages(socket)
    return socket


async def messages(socket: ClientConnection) -> None:
    """Until the next batch, which is acknowledged."""
    while (frame := json.loads(await socket.recv()))["type"] != "messages":
        pass
    await socket.send(json.dumps({"type": "ack", "seq": frame["to"]}))


async def closed(socket: ClientConnection, since: float) -> tuple[int, float]:
    """The code, and the seconds from `since` to the close; every frame up to there is taken."""
    with pytest.raises(ConnectionClosed) as end:
        async with asyncio.timeout(3 * WITHIN):
            while True:
                await messages(socket)
    assert end.value.rcvd is not None
    return end.value.rcvd.code, time.monotonic() - since


async def test_whatever_ends_closes_its_sockets_within_five_seconds(house: House, chatty: int) -> None:
    who = {name: await asyncio.to_thread(headers, house, name, ending.by_token) for name, ending in ENDINGS.items()}
    leaver, cookie = await asyncio.to_thread(headers, house, "leaves", False)
    _, staying = await asyncio.to_thread(headers, house, "stays", True)
    async with talking(chatty):
        sockets = {name: await follow(house, sent) for name, (_, sent) in who.items()}
        leaving, stays = await follow(house, cookie), await follow(house, staying)
        since = time.monotonic()
        for name, ending in ENDINGS.items():
            await asyncio.to_thread(house.run, ending.sql, name)
        await asyncio.to_thread(leaver.post, "/logout/")
        ends = await asyncio.gather(*(closed(socket, since) for socket in (*sockets.values(), leaving)))
        told = dict(zip((*ENDINGS, "leaves"), ends, strict=True))
        assert {name: code for name, (code, _) in told.items()} == {
            **{name: ending.code for name, ending in ENDINGS.items()},
            "leaves": 4401,
        }
        assert max(seconds for _, seconds in ends) <= WITHIN
        await messages(stays)  # whom none of it was about goes on
        await stays.close()
