"""The dialect `ready` with real programs, by a client as it stands in textbooks."""

import asyncio
import random
import socket

import pytest

from services.servers import report
from services.servers.report import IN, OUT
from tests.services.servers.commanding import briefing
from tests.services.servers.commands.caged import alive

READY = {"kind": "command", "options": {"dialect": "ready"}}


class Textbook:
    """The client: `send` a command, `recv` the size, `send` Start, `recv` so many bytes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.client = socket.create_connection(address, timeout=10)

    def run(self, command: str) -> bytes:
        self.client.send(command.encode("utf-8"))
        answer = self.client.recv(1024)
        if answer == b"cmd ERROR":
            return answer
        word, size = answer.decode("utf-8").split("|")
        assert word == "Ready"
        self.client.send(b"Start")
        received = b""
        while len(received) < int(size):
            received += self.client.recv(1024)
        return received


@pytest.fixture
def serving(serve):
    async def begin(hurry="", **words):
        return await serve(start={"briefing": briefing(), **({"hurry": hurry} if hurry else {})}, **(READY | words))

    return begin


async def ask(it, *commands: str) -> list[bytes]:
    """What a client gets that asks for these, one after the other."""
    textbook = Textbook(it.address)
    with textbook.client:
        return [await asyncio.to_thread(textbook.run, command) for command in commands]


async def test_a_client_from_a_textbook_gets_its_output(serving):
    it = await serving()
    assert await ask(it, "uname -s", "echo 'a b' é", "head -c 100000 /dev/zero") == [
        b"Linux\n",
        "a b é\n".encode(),
        bytes(100_000),
    ]


@pytest.mark.parametrize(
    "command", ["true", "no-such-program", "ls /no/such/file", "echo 'open", "../bin/uname", "''", "sh -c 'echo x >&2'"]
)
async def test_a_command_without_output_is_an_error_and_the_next_one_is_not(serving, command):
    it = await serving()
    assert await ask(it, command, "uname -s") == [b"cmd ERROR", b"Linux\n"]


async def test_no_shell_reads_the_line(serving):
    it = await serving()
    assert await ask(it, "echo $HOME; id > /tmp/x `id` * | cat") == [b"$HOME; id > /tmp/x `id` * | cat\n"]


async def test_what_it_runs_is_recorded_before_and_after_without_a_key(serving):
    it = await serving()
    await ask(it, "uname -s", "no-such-program")
    await it.until(lambda: it.closed and len(it.ends) == 2)
    assert [(begun.command, begun.argv, begun.key, begun.public) for begun in it.begun] == [
        ("ready", ("uname", "-s"), "", b""),
        ("ready", ("no-such-program",), "", b""),
    ]
    assert (it.ends[0].code, it.ends[0].output) == (0, b"Linux\n")
    assert it.ends[1].why.startswith("'no-such-program' is no program on ")
    assert [(row[3], row[4]) for row in it.messages][:3] == [
        (IN, b"uname -s"),
        (OUT, b"Linux\n"),
        (IN, b"no-such-program"),
    ]
    assert it.identity_holds()


async def test_several_clients_are_served_at_once(serving):
    it = await serving()
    answers = await asyncio.gather(*(ask(it, f"echo {number}") for number in range(8)))
    assert answers == [[b"%d\n" % number] for number in range(8)]


async def test_no_more_run_at_once_than_may(serving, connect):
    it = await serving(options={"dialect": "ready", "at_once": 1})
    waiting = await connect(it.address)
    await waiting.say(b"sleep 100")
    await it.until(lambda: it.begun)
    assert await ask(it, "uname") == [b"cmd ERROR"]


async def test_a_client_that_says_start_too_early_gets_its_output_all_the_same(serving, connect):
    it = await serving()
    client = await connect(it.address)
    await client.say(b"uname -s")
    await it.until(lambda: it.begun)
    await client.say(b"Start\n")
    assert await client.hear(13) == b"Ready|6Linux\n"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost:9996\r\n\r\n", "it sent CR, LF or NUL"),
        (b"POST /", "it sent an HTTP request"),
        (b"uname\0", "it sent CR, LF or NUL"),
        (b"x" * 5000, "its command line is longer than 4,096 bytes"),
    ],
)
async def test_what_a_browser_sends_is_answered_once_and_left(serving, connect, said, why):
    it = await serving()
    client = await connect(it.address)
    await client.say(said)
    assert await client.hear_all() == b"cmd ERROR"
    await it.until(lambda: it.closed)
    assert it.closed[0].why.startswith(why)
    assert (it.begun, dict(it.dropped)) == ([], {"malformed": 1})
    assert it.identity_holds()


async def test_whoever_says_something_else_than_start_is_left(serving, connect):
    it = await serving()
    client = await connect(it.address)
    assert await client.ask(b"uname -s", 7) == b"Ready|6"
    await client.say(b"uname -n")
    assert await client.hear_all() == b"cmd ERROR"
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "it did not say `Start`"


async def test_too_much_while_a_command_runs_ends_the_connection_and_the_command(serving, connect):
    it = await serving()
    mark = str(random.randrange(100, 300))
    client = await connect(it.address)
    await client.say(f"sleep {mark}".encode())
    await it.until(lambda: it.begun)
    await client.say(b"x" * 5000)
    assert await client.hear_all() == b"cmd ERROR"
    await it.until(lambda: it.ends)
    assert it.ends[0].why == "it sent too much while its command ran"
    assert alive(f"sleep\0{mark}") == []


async def test_when_its_client_goes_the_command_ends(serving, connect):
    it = await serving()
    client = await connect(it.address)
    await client.say(b"sleep 100")
    await it.until(lambda: it.begun)
    client.reset()
    await it.until(lambda: it.ends)
    assert it.ends[0].why == "its connection ended"


async def test_output_that_nobody_fetches_is_not_kept_for_ever(serving, connect):
    it = await serving(hurry="from services.servers.commands import ready_session; ready_session.FETCH_WITHIN = 0.2")
    client = await connect(it.address)
    assert await client.ask(b"uname -s", 7) == b"Ready|6"
    assert await client.hear_all() == b""
    await it.until(lambda: it.closed)
    assert it.closed[0].why == "it did not fetch its output"


async def test_what_waits_to_be_fetched_has_a_bound_for_all_clients_together(serving, connect):
    it = await serving(
        hurry="from services.servers.commands import ready_session; ready_session.MOST_OFFERED = 150_000"
    )
    one, two = await connect(it.address), await connect(it.address)
    assert await one.ask(b"head -c 100000 /dev/zero", 12) == b"Ready|100000"
    assert await two.ask(b"head -c 100000 /dev/zero", 9) == b"cmd ERROR"
    await it.until(lambda: len(it.ends) == 2)
    assert it.ends[1].why == "too much output waits to be fetched"
    assert await one.ask(b"Start", 100_000) == bytes(100_000)
    assert await one.ask(b"head -c 50000 /dev/zero", 11) == b"Ready|50000"


async def test_a_command_that_is_not_written_down_is_an_error(serving, connect):
    it = await serving(hurry="from services.servers.commands import desk; desk.RECORD_WITHIN = 0.2")
    it.records = False
    client = await connect(it.address)
    assert await client.ask(b"uname -s", 9) == b"cmd ERROR"
    await it.until(lambda: it.ends)
    assert "could not be written down" in it.ends[0].why


async def test_when_the_store_is_away_for_long_no_more_is_told_of(serving, connect):
    """The supervisor ends a worker that lets too many commands wait."""
    it = await serving(
        hurry="from services.servers.commands import desk; desk.RECORD_WITHIN = 0.01; desk.UNANSWERED = 3"
    )
    it.records = False
    client = await connect(it.address)
    for _ in range(5):
        assert await client.ask(b"uname -s", 9) == b"cmd ERROR"
    assert len(it.begun) == 3
    it.order(report.Recorded(1))
    await it.ask(report.Close, connection=99)  # what was ordered before it is heard before it
    assert await client.ask(b"uname -s", 9) == b"cmd ERROR"
    await it.until(lambda: len(it.begun) == 4)


async def test_a_stop_ends_what_runs(serving, connect):
    it = await serving()
    client = await connect(it.address)
    await client.say(b"sleep 100")
    await it.until(lambda: it.begun)
    assert await it.stop() == 0
    assert [ended.why for ended in it.ends] == ["the server stopped"]
