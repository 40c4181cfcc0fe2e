"""The WebSocket of one remote command: it runs while its page watches, and only as fast as the page shows what comes.

Whoever asked for a command opens this to have it run; one that has ended is shown once more. It is an ASGI application behind
accounts.sockets.SignedIn, as those of sockpanel.live.consumers are.
"""

import asyncio
import base64
import contextlib
from typing import Annotated, Any

import msgspec
from channels.db import database_sync_to_async
from django.db import Error

from services.errors import CommandGone, NotAllowed, RequestRefused, SockpanelError
from services.models import Command
from services.remote import commands, runner
from services.remote.transcript import pieces
from sockpanel.accounts import access
from sockpanel.accounts.models import User
from sockpanel.accounts.sockets import opens
from sockpanel.live import people, wire
from sockpanel.live.outlet import Outlet, Send
from sockpanel.live.wire import MAX_FRAME_BYTES

UNSHOWN_BYTES = 1024 * 1024  # of output that the page has not shown yet; beyond it the command is not read
PIECE_BYTES = 64 * 1024  # of output in one frame
CHECK_EVERY = 2.0  # seconds between two looks at whether the person may still be here
NO_PROGRESS = 60.0  # seconds that a page may take nothing
CLOSED = "its page was closed"
NAMES = {1: "stdout", 2: "stderr"}
DONE = 1000


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """Everything up to there is shown."""

    end: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Cancel(msgspec.Struct, frozen=True, tag_field="type", tag="cancel"):
    """End the command."""


Incoming = Ack | Cancel

# What a page may say, and the deed that it is
SAYS = {Ack: "commands.see", Cancel: "commands.run"}

# The deed that beginning a command is: one of the allow-list, a free command line
RUNS = {False: "commands.run", True: "commands.shell"}

_decoder = msgspec.json.Decoder(Incoming)


class Watch:
    """One page that watches one command. Also the runner's sink."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._end = self._shown = 0
        self._moved = asyncio.Event()

    async def started(self) -> None:
        self._outlet.put(wire.encode({"type": "state", "state": "running"}))

    async def output(self, stream: int, data: bytes) -> None:
        """Raises TimeoutError for a page that shows nothing any more."""
        for start in range(0, len(data), PIECE_BYTES):
            await self._room()
            self.put(NAMES[stream], data[start : start + PIECE_BYTES])

    def put(self, stream: str, data: bytes) -> None:
        self._end += len(data)
        text = base64.b64encode(data).decode()
        self._outlet.put(wire.encode({"type": "output", "stream": stream, "data": text, "end": self._end}))

    def shown(self, end: int) -> None:
        self._shown = max(self._shown, min(end, self._end))
        self._moved.set()

    async def _room(self) -> None:
        while self._end - self._shown >= UNSHOWN_BYTES:
            self._moved.clear()
            async with asyncio.timeout(NO_PROGRESS):
                await self._moved.wait()

    async def replay(self, command: Command) -> None:
        """What is kept, as if it came now."""
        for name, data in pieces(bytes(command.transcript)):
            for start in range(0, len(data), PIECE_BYTES):
                await self._room()
                self.put(name, data[start : start + PIECE_BYTES])

    def ended(self, command: Command) -> None:
        self._outlet.put(wire.encode({"type": "end", "command": commands.told(command)}))


class CommandSocket:
    """One open WebSocket."""

    def __init__(self, receive: Any, user: User, person: people.Person) -> None:
        self.outlet = Outlet()
        self._receive = receive
        self._user, self._person = user, person
        self._watch = Watch(self.outlet)
        self._job: runner.Job | None = None

    async def run(self, pk: int) -> None:
        """Until the command has ended and was shown, or the page has gone."""
        command = await database_sync_to_async(_find)(pk, self._user)
        if command is None:
            self.outlet.close(wire.UNKNOWN)
            return
        if not _may_watch(self._user, command):
            self.outlet.close(wire.NOT_ALLOWED)
            return
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._listen(), name="command page"),
                group.create_task(self._follow_account(), name="command account"),
            ]
            shower = group.create_task(self._show(command), name="command")
            done, _ = await asyncio.wait({shower, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            if shower not in done and self._job is not None:
                self._job.cancel(CLOSED)
                await asyncio.wait({shower}, timeout=runner.END_WITHIN)
            for task in (*tasks, shower):
                task.cancel()

    async def _show(self, command: Command) -> None:
        try:
            if command.state == Command.State.WAITING:
                command = await self._run(command)
            else:
                await self._watch.replay(command)
            self._watch.ended(command)
            self.outlet.finish(DONE)
        except CommandGone:  # another page of the same person runs it
            self.outlet.close(wire.NOT_ALLOWED)
        except TimeoutError:
            self.outlet.close(wire.NO_PROGRESS)
        except (SockpanelError, Error):
            self.outlet.close(wire.RESTART)

    async def _run(self, command: Command) -> Command:
        self._job = runner.Job(command, self._watch)
        return await self._job.run()

    async def _listen(self) -> None:
        """Hear the page until it is gone."""
        while (event := await self._receive())["type"] == "websocket.receive":
            text = event.get("text")
            try:
                said = _decode(text)
                access.allowed(self._user, SAYS[type(said)])
                match said:
                    case Ack(end=end):
                        self._watch.shown(end)
                    case Cancel():
                        if self._job is not None:
                            self._job.cancel("")
            except (RequestRefused, NotAllowed) as error:
                self.outlet.put(wire.error(error.code, error.message))

    async def _follow_account(self) -> None:
        """Return once the person may not be here any more."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            with contextlib.suppress(Error):
                codes = await database_sync_to_async(people.to_close)([self._person])
                if self._person in codes:
                    self.outlet.close(codes[self._person])
                    return


def _decode(text: str | None) -> Ack | Cancel:
    if text is None or len(text) > MAX_FRAME_BYTES:
        raise RequestRefused(f"A frame is JSON text of up to {MAX_FRAME_BYTES:,} bytes: send ack or cancel.")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise RequestRefused("The frame makes no sense: send ack or cancel, as docs/live.md says.") from None


def _find(pk: int, user: User) -> Command | None:
    """The command, as far as this person may know of it; one that has waited for too long has failed."""
    commands.settle_stale()
    command = Command.objects.filter(pk=pk).first() if pk < 2**63 else None
    if command is None or (command.user != user.get_username() and not access.may(user, "commands.oversee")):
        return None
    return command


def _may_watch(user: User, command: Command) -> bool:
    """Whether this person may look at it. One that waits is begun by that: whoever asked for it may have had another role then."""
    if command.state not in (Command.State.WAITING, Command.State.RUNNING):
        return True
    if command.state == Command.State.WAITING and not access.may(user, RUNS[command.shell]):
        return False
    return command.user == user.get_username()


@opens("commands.see")
async def command(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """/ws/commands/<id>/"""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    socket = CommandSocket(receive, scope["user"], people.of(scope))
    async with asyncio.TaskGroup() as group:
        writer = group.create_task(socket.outlet.drain(send), name="command writer")
        try:
            await socket.run(scope["url_route"]["kwargs"]["id"])
        finally:
            if not socket.outlet.closing:
                writer.cancel()
