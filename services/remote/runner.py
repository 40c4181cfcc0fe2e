"""Runs one command of the history: written down as running before it is asked for, its output handed on, completed at its end.

What opens this panel is taken out of its output before that is shown or kept, and opens nothing any more.

job = Job(command, sink)
await job.run()  # `job.cancel(why)` from elsewhere ends it
"""

import asyncio
from typing import Any, Protocol

from asgiref.sync import sync_to_async
from django.utils import timezone

from services.client.commands import Exit, Output, Running, Started, connect
from services.errors import CommandGone, CommandInterrupted, SockpanelError
from services.models import Command
from services.remote import commands, files
from services.remote.redacting import Redacting
from services.remote.targets import way_to
from services.remote.transcript import Transcript
from services.servers.redaction import clean_text

END_WITHIN = 5.0  # seconds that a cancelled command's Exit may take
LONGEST = commands.RUNS.total_seconds() - 30.0  # then nobody answers any more
HUNG_UP = (
    "Whoever asked for it hung up, and the command was ended with that: the server's own history tells how far it came."
)


class Sink(Protocol):
    """Who watches. What it has not taken yet holds the command up; it gets no key of the panel."""

    async def started(self) -> None: ...

    async def output(self, stream: int, data: bytes) -> None: ...


class Job:
    """One run of one command."""

    def __init__(self, command: Command, sink: Sink) -> None:
        self.command = command
        self._sink = sink
        self._transcript = Transcript()
        self._redacting = Redacting(command)
        self._why = ""
        self._cancelled = asyncio.Event()
        self._seen = {1: 0, 2: 0}

    def cancel(self, why: str) -> None:
        """Have it ended; the first reason counts."""
        self._why = self._why or why
        self._cancelled.set()

    async def run(self) -> Command:
        """From the claim to the written end; the completed command. Raises CommandGone when somebody else runs it already."""
        if not await sync_to_async(self._claim)():
            raise CommandGone(f"Command {self.command.pk} is run already, or has been: look at the history.")
        outcome: dict[str, Any] = _failed(CommandInterrupted(commands.NO_END))
        try:
            async with asyncio.timeout(LONGEST):
                outcome = await self._converse()
        except asyncio.CancelledError:
            outcome = _failed(CommandInterrupted(HUNG_UP))
            raise
        except SockpanelError as error:
            outcome = _failed(error)
        except TimeoutError:
            outcome = _failed(CommandInterrupted(f"Nothing came of it within {LONGEST:.0f} s: look at the server."))
        finally:
            await asyncio.shield(self._end(outcome))
        return self.command

    async def _converse(self) -> dict[str, Any]:
        way = await sync_to_async(way_to)(self.command)
        private = await sync_to_async(files.panel_key)()
        words = {"shell": self.command.argv[0]} if self.command.shell else {"argv": self.command.argv}
        async with (
            connect(way.target, private, guard=way.guard) as session,
            session.run(**words, who=self.command.user) as running,
        ):
            stopper = asyncio.create_task(self._stop_when_told(running), name="command stopper")
            try:
                return self._ended(await self._watch(running))
            finally:
                stopper.cancel()

    async def _stop_when_told(self, running: Running) -> None:
        await self._cancelled.wait()
        running.cancel()

    async def _watch(self, running: Running) -> Exit:
        """Hand on what comes until it has ended."""
        async for event in running:
            match event:
                case Started():
                    await self._sink.started()
                case Output(stream=stream, data=data):
                    self._seen[stream] += len(data)
                    data = self._redacting.feed(stream, data)
                    self._transcript.add(stream, data)
                    await self._redacting.end_found()
                    await self._hand_on(stream, data)
                case Exit():
                    return event
        raise CommandInterrupted("The server told no end of it: look at its page.")

    async def _hand_on(self, stream: int, data: bytes) -> None:
        """A sink that takes nothing must not keep a cancelled command from its end."""
        if self._cancelled.is_set():
            return
        handing = asyncio.ensure_future(self._sink.output(stream, data))
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({handing, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if handing.done():
                handing.result()
        finally:
            handing.cancel()
            cancelled.cancel()

    def _ended(self, ended: Exit) -> dict[str, Any]:
        return {
            "state": Command.State.DONE,
            "exit_code": ended.code,
            "signal": ended.signal,
            "seconds": ended.seconds,
            "why": clean_text(self._why or ended.why),
            "stdout_bytes": ended.stdout,
            "stderr_bytes": ended.stderr,
            "truncated": ended.truncated,
        }

    def _claim(self) -> bool:
        now = timezone.now()
        waiting = Command.objects.filter(pk=self.command.pk, state=Command.State.WAITING)
        return bool(waiting.update(state=Command.State.RUNNING, started_at=now))

    async def _end(self, outcome: dict[str, Any]) -> None:
        try:
            await sync_to_async(self._complete)(outcome)
        finally:
            await self._redacting.close()

    def _complete(self, outcome: dict[str, Any]) -> None:
        seen = {"stdout_bytes": self._seen[1], "stderr_bytes": self._seen[2]}
        kept = {"transcript": self._transcript.kept, "kept_bytes": self._transcript.size}
        Command.objects.filter(pk=self.command.pk).update(ended_at=timezone.now(), **(seen | outcome), **kept)
        self.command.refresh_from_db()


def _failed(error: SockpanelError) -> dict[str, Any]:
    return {"state": Command.State.FAILED, "code": error.code, "error": clean_text(error.message)}
