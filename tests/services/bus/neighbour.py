"""A second, real process on the same bus, which does what a test asks: each line is a call, run as a task of its own.

async with Neighbour(directory) as neighbour:
    channel = await neighbour.do("new_channel")
    await neighbour.do("send", channel, {"type": "look"})  # raises Refused with the name of the error
"""

import ast
import asyncio
import itertools
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Self

CHECKOUT = Path(__file__).resolve().parents[3]
WITHIN = 60.0


class Refused(Exception):
    """The call raised; the text is the name of the exception."""


class Neighbour(AbstractAsyncContextManager["Neighbour"]):
    """The test's side."""

    def __init__(self, directory: Path, **configuration: Any) -> None:
        self._command = [sys.executable, "-W", "error", __file__, repr({"directory": str(directory), **configuration})]
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe, cwd=CHECKOUT)
        self._reader = asyncio.create_task(self._read(), name="neighbour")
        await self.do("statistics")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.process.stdin
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.close()
        async with asyncio.timeout(WITHIN):
            await self.process.wait()
            await self._reader

    async def do(self, call: str, *words: Any) -> Any:
        """The result of a call of the layer, within 20 s."""
        async with asyncio.timeout(WITHIN):
            return await self.begin(call, *words)

    def begin(self, call: str, *words: Any) -> "asyncio.Future[Any]":
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        assert self.process.stdin
        self.process.stdin.write(f"{(number, call, words)!r}\n".encode())
        return self._answers[number]

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            number, error, result = ast.literal_eval(line.decode())
            answer = self._answers.pop(number)
            if answer.done():
                continue
            if error:
                answer.set_exception(Refused(error))
            else:
                answer.set_result(result)


async def serve(configuration: dict[str, Any]) -> None:
    """The other process's side: ends when its stdin does."""
    from services.bus import LocalChannelLayer

    layer = LocalChannelLayer(**configuration)
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks: set[asyncio.Task[None]] = set()
    while line := await lines.readline():
        task = asyncio.create_task(answer(layer, *ast.literal_eval(line.decode())), name="call")
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def answer(layer: Any, number: int, call: str, words: tuple[Any, ...]) -> None:
    result, error = None, ""
    try:
        called = getattr(layer, call)(*words)
        result = await called if asyncio.iscoroutine(called) else called
    except Exception as raised:
        error = type(raised).__name__
    print(repr((number, error, result)), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    asyncio.run(serve(ast.literal_eval(sys.argv[1])))
