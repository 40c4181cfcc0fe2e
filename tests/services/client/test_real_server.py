"""Both clients, the product's and the independent one, with a real worker that runs real commands."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.client.commands import Exit, Output, Session, Started, Target, connect
from services.errors import ArgumentRefused, CommandRefused, CommandUnknown, SessionRefused
from services.servers import report
from tests.services.client.keyfiles import kept, pem
from tests.services.client.test_commands import own_address
from tests.services.client.test_example_client import run
from tests.services.servers.commands.sides import IDENTITY, LAB, SERVER_KEY, STRANGER, key_of
from tests.services.servers.supervising import Supervised, spec_of

COMMANDS = [
    {
        "id": "uname",
        "program": "/usr/bin/uname",
        "arguments": [{"name": "what", "choices": ["-s", "-n"], "optional": True}],
    },
    {"id": "sleep", "program": "/usr/bin/sleep", "arguments": [{"name": "seconds", "low": 0, "high": 100}]},
]
BRIEFING = report.Briefing(identity=IDENTITY, keys=(key_of(LAB, "lab"),), user=(65_534, 65_534))


class Recording(Supervised):
    """A supervisor whose recorder is never behind."""

    def _hear(self, told: report.FromWorker) -> None:
        super()._hear(told)
        if isinstance(told, report.CommandBegun):
            self.order(report.Recorded(told.ask))


@contextlib.asynccontextmanager
async def serving(host: str) -> AsyncIterator[Recording]:
    """A remote-command server that runs uname and sleep for lab."""
    supervised = Recording(spec_of(kind="command", host=host, options={"commands": COMMANDS}), briefing=BRIEFING)
    try:
        await supervised.begin()
        yield supervised
    finally:
        await supervised.release()


@pytest.fixture
async def server() -> AsyncIterator[Recording]:
    async with serving("127.0.0.1") as supervised:
        yield supervised


@pytest.fixture
def target(server: Recording) -> Target:
    return Target(*server.address, server_key=SERVER_KEY)


async def events(session: Session, *argv: str) -> list:
    async with session.run(argv=argv) as running:
        return [event async for event in running]


async def test_a_real_command_runs(target: Target):
    async with connect(target, LAB) as session:
        assert [offered.id for offered in session.welcome.commands] == ["uname", "sleep"]
        started, output, ended = await events(session, "uname", "-s")
    assert (started, output) == (Started(1), Output(1, 1, b"Linux\n"))
    assert (ended.code, ended.signal, ended.stdout, ended.truncated) == (0, None, 6, False)


async def test_a_real_command_is_cancelled(target: Target):
    async with connect(target, LAB) as session, session.run(argv=["sleep", "100"]) as running:
        assert await anext(running) == Started(1)
        running.cancel()
        ended = await anext(running)
        assert isinstance(ended, Exit)
        assert ended.signal == 9
        assert ended.why
        assert ended.seconds < 5


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["rm", "-rf", "/"], CommandUnknown),
        (["uname", "-Z"], ArgumentRefused),
        (["uname", "-s", ";id"], ArgumentRefused),
    ],
)
async def test_what_is_not_allowed_is_refused_by_its_own_kind(target: Target, argv: list[str], error: type[Exception]):
    async with connect(target, LAB) as session:
        with pytest.raises(error):
            await events(session, *argv)
        assert (await events(session, "uname"))[-1].code == 0


async def test_a_server_without_a_shell_takes_no_command_line(target: Target):
    async with connect(target, LAB) as session:
        with pytest.raises(CommandRefused):
            async with session.run(shell="id") as running:
                await anext(running)


async def test_an_unknown_key_is_not_let_in(target: Target):
    with pytest.raises(SessionRefused):
        async with connect(target, STRANGER):
            pass


async def test_the_independent_client_runs_a_real_command(server: Recording, tmp_path: Path):
    host, port = server.address
    key = kept(tmp_path / "key.pem", pem(LAB))
    assert await run(host, str(port), key, SERVER_KEY.hex(), "uname", "-s") == (0, b"Linux\n", "")


async def test_the_independent_client_tells_why_it_may_not(server: Recording, tmp_path: Path):
    host, port = server.address
    key = kept(tmp_path / "key.pem", pem(LAB))
    code, out, err = await run(host, str(port), key, SERVER_KEY.hex(), "rm")
    assert (code, out) == (1, b"")
    assert err.startswith("remote_command.py: SP-5003 ")


async def test_both_come_through_tls_from_elsewhere(tmp_path: Path):
    async with serving(own_address()) as server:
        host, port = server.address
        async with connect(Target(host, port, SERVER_KEY), LAB) as session:
            assert (await events(session, "uname", "-s"))[1].data == b"Linux\n"
        key = kept(tmp_path / "key.pem", pem(LAB))
        assert await run(host, str(port), key, SERVER_KEY.hex(), "uname", "-s") == (0, b"Linux\n", "")


async def test_a_server_on_all_addresses_speaks_tls_to_those_from_elsewhere_alone():
    async with serving("0.0.0.0") as server:
        _, port = server.address
        for host in ("127.0.0.1", own_address()):
            async with connect(Target(host, port, SERVER_KEY), LAB) as session:
                assert (await events(session, "uname", "-s"))[1].data == b"Linux\n"
