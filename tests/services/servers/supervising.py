"""A supervisor for one worker under test: opens its socket, spawns it, reads its link, acknowledges its batches."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from services.servers import framing, report, sockets, validation
from services.servers.spec import ServerSpec

ROOT = Path(__file__).resolve().parents[3]
WITHIN = 10.0


def spec_of(**words: Any) -> ServerSpec:
    """A validated spec; without a port it gets one of the kernel's choice when it is opened."""
    chosen = words.setdefault("port", 1)
    spec = validation.build({"name": "tested", "kind": "tcp", **words})
    return msgspec.structs.replace(spec, port=0) if chosen == 1 else spec


def command(hurry: str) -> list[str]:
    """How a worker is spawned; `hurry` sets a time of its to less than it is in real life (`worker.HEARTBEAT = 0.1`)."""
    if not hurry:
        return [sys.executable, "-m", "services.servers"]
    code = f"import sys; from services.servers import connection, worker; {hurry}; sys.exit(worker.main())"
    return [sys.executable, "-c", code]


class Supervised:
    """A worker, and everything it has told."""

    def __init__(self, spec: ServerSpec, **start: Any) -> None:
        self.spec = spec
        self.messages: list[report.MessageRow] = []
        self.opened: list[report.Opened] = []
        self.closed: list[report.Closed] = []
        self.touched: list[report.Touched] = []
        self.batches: list[report.Batch] = []
        self.counted: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.sent_dropped: Counter[str] = Counter()
        self.done: dict[int, report.Done] = {}
        self.others: list[report.FromWorker] = []
        self.begun: list[report.CommandBegun] = []
        self.ends: list[report.CommandEnded] = []
        self.used: list[report.KeyUsed] = []
        self.acknowledges = True
        self.records = True  # writes commands down, as far as the worker can tell
        self.socket = start.pop("taken", None) or sockets.open_socket(spec)
        self._command = command(start.pop("hurry", ""))
        self._start = start
        self._told = asyncio.Event()
        self._actions = 0

    async def begin(self) -> None:
        """Spawn it and wait until it is ready, or has failed."""
        ours, theirs = socket.socketpair()
        start = report.Start(
            spec=msgspec.to_builtins(self.spec), link=theirs.fileno(), socket=self.socket.fileno(), **self._start
        )
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `release`
        with theirs:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stderr=self.stderr,
                pass_fds=(theirs.fileno(), self.socket.fileno()),
                cwd=ROOT,
                start_new_session=True,
            )
        assert self.process.stdin
        self.process.stdin.write(msgspec.json.encode(start))
        self.process.stdin.close()
        self._reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._listener = asyncio.create_task(self._listen(), name="supervise")
        await self.until(lambda: self.others)

    async def _listen(self) -> None:
        decoder = framing.decoder(report.FRAMING)
        try:
            while data := await self._reader.read(1 << 20):
                for payload in decoder.feed(data):
                    self._hear(report.decode_from_worker(payload))
                self._told.set()
        except ConnectionError:
            pass  # it was killed with orders unread
        self._told.set()

    def _hear(self, told: report.FromWorker) -> None:
        match told:
            case report.Batch():
                self._keep(told)
                if self.acknowledges:
                    self.acknowledge()
            case report.Done():
                self.done[told.action] = told
            case report.CommandBegun():
                self.begun.append(told)
                if self.records:
                    self.order(report.Recorded(told.ask))
            case report.CommandEnded():
                self.ends.append(told)
            case report.KeyUsed():
                self.used.append(told)
            case _:
                self.others.append(told)

    def _keep(self, batch: report.Batch) -> None:
        self.batches.append(batch)
        self.messages += batch.messages
        self.opened += batch.opened
        self.closed += batch.closed
        self.touched += batch.touched
        counted = batch.counted
        self.dropped.update(counted.dropped)
        self.sent_dropped.update(counted.sent_dropped)
        for name in ("received", "bytes_in", "sent", "bytes_out"):
            self.counted[name] += getattr(counted, name)

    def acknowledge(self) -> None:
        """Everything told so far is stored."""
        self.order(report.Stored(self.batches[-1].number))

    def order(self, order: report.ToWorker) -> None:
        self._writer.write(report.encode(order))

    async def ask(self, kind: type[report.Send] | type[report.Close], **words: Any) -> report.Done:
        """The outcome of a Send or Close."""
        self._actions += 1
        action = self._actions
        self.order(kind(action=action, **words))
        await self.until(lambda: action in self.done)
        return self.done[action]

    async def until(self, condition: Callable[[], Any], within: float = WITHIN) -> None:
        """Wait until what was told makes `condition` true."""
        try:
            async with asyncio.timeout(within):
                while not condition():
                    assert not self._listener.done(), f"The worker has hung up: {self.last_words()}"
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise AssertionError(
                f"Not within {within} s: {self.messages[-5:]} {self.closed[-3:]} {self.dropped} {self.last_words()}"
            ) from None

    def rows(self, direction: int) -> list[bytes]:
        return [data for _, _, _, way, data, _, _ in self.messages if way == direction]

    @property
    def received(self) -> list[bytes]:
        return self.rows(report.IN)

    @property
    def sent(self) -> list[bytes]:
        return self.rows(report.OUT)

    @property
    def address(self) -> Any:
        """Where a client finds it."""
        address = self.socket.getsockname()
        if isinstance(address, str):
            return address
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
        return (host, address[1])

    def identity_holds(self) -> bool:
        """received = stored + dropped, and the same for what was sent."""
        return (
            self.counted["received"] == len(self.received) + self.dropped.total()
            and self.counted["sent"] == len(self.sent) + self.sent_dropped.total()
        )

    def last_words(self) -> str:
        self.stderr.seek(0)
        return self.stderr.read().decode()

    async def ended(self, within: float = WITHIN) -> int:
        """Its exit code, once it has ended by itself."""
        code = await asyncio.to_thread(self.process.wait, within)
        async with asyncio.timeout(WITHIN):
            await asyncio.shield(self._listener)
        return code

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def abandon(self) -> None:
        """Die, as far as the worker can tell."""
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def release(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)
        await self.abandon()
        self.stderr.close()
        sockets.close_socket(self.socket, self.spec)


__all__ = ["ROOT", "WITHIN", "Supervised", "spec_of"]
