"""The desk without a connection: what it tells, how it counts, whom it lets wait."""

import asyncio
import base64
from typing import Any

import pytest

from services.errors import CommandsBusy, CommandUnknown, SockpanelError
from services.servers import report
from services.servers.commands import desk as desks
from services.servers.commands.desk import Desk
from services.servers.commands.job import Job, Order
from services.servers.commands.options import CommandOptions
from services.servers.commands.running import Ended
from services.servers.report import IN, OUT, CommandBegun, CommandEnded
from services.servers.reporter import Reporter
from tests.services.servers.commands.caged import plan
from tests.services.servers.secrets_of import KEY, NAME, SESSION, TOKEN, TOKEN_FOUND, leaks
from tests.waiting import eventually_async


class Customer:
    """Hears what becomes of it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.error: SockpanelError | None = None
        self.written = 0

    def began(self, job: Job) -> None:
        self.heard.append("began")

    def wrote(self, job: Job, stream: int, data: bytes) -> None:
        self.written += len(data)

    def ended(self, job: Job, ended: Ended) -> None:
        self.heard.append(f"ended {ended.code} {ended.why}".rstrip())

    def failed(self, job: Job, error: SockpanelError) -> None:
        self.heard.append("failed")
        self.error = error


class Bench:
    """A desk, and everything that it tells."""

    def __init__(self, keep: int = 100, **options: Any) -> None:
        self.told: list[Any] = []
        self._frames: list[bytes] = []
        self._reporter = Reporter(self._frames.append, asyncio.get_running_loop())
        self.desk = Desk(CommandOptions(**options), self._reporter, keep, self.told.append)

    @property
    def batches(self) -> list[report.Batch]:
        self._reporter.flush()
        told = [report.decode_from_worker(frame[report.HEADER_BYTES :]) for frame in self._frames]
        return [batch for batch in told if isinstance(batch, report.Batch)]

    @property
    def messages(self) -> list[report.MessageRow]:
        """Everything that was recorded."""
        return [row for batch in self.batches for row in batch.messages]

    @property
    def exposed(self) -> list[report.Exposed]:
        """The keys that were told of."""
        return [one for batch in self.batches for one in batch.exposed]

    def take(self, *argv: str, public: bytes = b"k", who: str = "") -> tuple[Job, Customer]:
        customer = Customer()
        order = Order(
            connection=7,
            source="10.9.8.7:5000",
            command=argv[0],
            argv=argv,
            plan=lambda: plan(*argv),
            public=public,
            who=who,
        )
        return self.desk.take(order, customer), customer

    def refused(self) -> tuple[Job, Customer]:
        def never():
            raise CommandUnknown("There is none.")

        customer = Customer()
        order = Order(connection=7, source="10.9.8.7:5000", command="rm", argv=("rm", "a b\0"), plan=never)
        return self.desk.take(order, customer), customer


async def test_a_command_is_told_of_runs_once_it_is_recorded_and_is_told_of_again():
    bench = Bench(keep=3)
    _, customer = bench.take("/usr/bin/echo", "hello")
    assert [type(told) for told in bench.told] == [CommandBegun]
    bench.desk.recorded(1)
    await eventually_async(lambda: len(bench.told) == 2)
    assert customer.heard == ["began", "ended 0"]
    ended = bench.told[1]
    assert (ended.ask, ended.code, ended.output, ended.stdout_bytes) == (1, 0, b"hel", 6)
    assert [row[1:] for row in bench.messages] == [
        (7, "10.9.8.7:5000", IN, b"/us", 19, ""),
        (7, "10.9.8.7:5000", OUT, b"hel", 6, ""),
    ]


async def test_a_refused_command_is_told_of_twice_and_never_runs():
    bench = Bench()
    _, customer = bench.refused()
    assert customer.heard == []  # never before `take` returns
    await eventually_async(lambda: customer.heard)
    bench.desk.recorded(1)
    assert [type(told) for told in bench.told] == [CommandBegun, CommandEnded]
    assert bench.told[0].argv == ("rm", "a b\\0")  # a NUL is no text
    assert (bench.told[1].why, bench.told[1].code, bench.told[1].output) == ("There is none.", None, b"")
    assert customer.heard == ["failed"]


@pytest.mark.parametrize(
    ("options", "keys", "busy"),
    [
        ({"at_once_per_key": 2}, [b"k", b"k", b"k"], True),
        ({"at_once_per_key": 2}, [b"k", b"k", b"o"], False),
        ({"at_once_per_key": 1}, [b"", b"", b""], False),  # the dialect `ready` has no keys
        ({"at_once": 2}, [b"a", b"b", b"c"], True),
    ],
)
async def test_places_are_counted_by_key_and_in_all(options: dict, keys: list[bytes], busy: bool):
    bench = Bench(**options)
    taken = [bench.take("/usr/bin/sleep", "100", public=key)[1] for key in keys]
    await asyncio.sleep(0)
    assert [customer.heard for customer in taken] == [[], [], ["failed"] if busy else []]
    assert isinstance(taken[2].error, CommandsBusy) is busy
    await bench.desk.end_all("the test is over")


async def test_each_person_of_the_panel_has_the_places_of_a_key():
    bench = Bench(at_once_per_key=1)
    whose = ("ada", "otto", "ada")
    taken = [bench.take("/usr/bin/sleep", "100", public=b"p", who=who)[1] for who in whose]
    await asyncio.sleep(0)
    assert [customer.heard for customer in taken] == [[], [], ["failed"]]
    await bench.desk.end_all("the test is over")


async def test_a_refused_command_takes_no_place():
    bench = Bench(at_once=1)
    bench.refused()
    _, customer = bench.take("/usr/bin/true")
    bench.desk.recorded(2)
    await eventually_async(lambda: customer.heard == ["began", "ended 0"])


async def test_whoever_asks_must_wait_while_many_wait_to_be_recorded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(desks, "PENDING", 3)
    bench, called = Bench(), []
    bench.desk.room = lambda: called.append(bench.desk.is_full)
    for _ in range(3):
        assert not bench.desk.is_full
        bench.refused()
    assert bench.desk.is_full
    bench.desk.recorded(2)
    await eventually_async(lambda: called == [False])


async def test_a_cancelled_command_that_is_recorded_afterwards_does_not_run():
    bench = Bench()
    job, customer = bench.take("/usr/bin/true")
    job.cancel("it was cancelled")
    bench.desk.recorded(1)
    assert customer.heard == ["ended None it was cancelled"]
    assert [type(told) for told in bench.told] == [CommandBegun, CommandEnded]
    job.cancel("again")
    assert len(bench.told) == 2


async def test_whoever_has_gone_hears_nothing_and_the_end_is_told_all_the_same():
    bench = Bench()
    job, customer = bench.take("/usr/bin/sleep", "100")
    bench.desk.recorded(1)
    await eventually_async(lambda: customer.heard == ["began"])
    job.abandon("its connection ended")
    await eventually_async(lambda: len(bench.told) == 2)
    assert (customer.heard, bench.told[1].why) == (["began"], "its connection ended")


async def test_a_paused_command_waits_and_goes_on():
    bench = Bench()
    job, customer = bench.take("/usr/bin/head", "-c", "5000000", "/dev/zero")
    job.pause()
    bench.desk.recorded(1)
    await eventually_async(lambda: customer.heard == ["began"])
    assert customer.written == 0
    job.resume()
    await eventually_async(lambda: customer.heard[-1] == "ended 0")


async def test_everything_ends_at_once_when_it_must():
    bench = Bench()
    customers = [bench.take("/usr/bin/sleep", "100")[1] for _ in range(3)]
    bench.desk.recorded(1)
    bench.desk.recorded(3)
    await eventually_async(lambda: [len(customer.heard) for customer in customers] == [1, 0, 1])
    async with asyncio.timeout(2):
        await bench.desk.end_all("the server stopped")
    assert [customer.heard[-1] for customer in customers] == ["ended None the server stopped"] * 3


async def test_a_token_in_a_command_line_or_its_output_is_told_of_and_recorded_nowhere():
    bench, token = Bench(keep=1000), TOKEN.decode()
    bench.take("/usr/bin/echo", token)
    bench.desk.recorded(1)
    hidden = base64.b64encode(NAME + b"=" + KEY + b"; " + TOKEN).decode()
    bench.take("/bin/sh", "-c", f"echo {hidden} | base64 -d")
    bench.desk.recorded(2)
    bench.take(token, "x")
    bench.desk.recorded(3)
    await eventually_async(lambda: sum(isinstance(told, CommandEnded) for told in bench.told) == 3)
    assert leaks(repr((bench.told, bench.messages)).encode()) == []
    assert [(one.kind, one.digest, one.peer, one.is_output) for one in bench.exposed] == [
        (*TOKEN_FOUND, "10.9.8.7:5000", False),
        (*SESSION, "10.9.8.7:5000", True),
    ]
