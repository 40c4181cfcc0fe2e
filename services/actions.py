"""Actions that wait in the control database, carried out by the supervisor: send, close, change, prune. Each gets its answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from asgiref.sync import sync_to_async
from django.db import Error
from django.utils import timezone

from services import audit, configuration, hints, operations
from services.asking import by_code
from services.errors import SockpanelError
from services.models import Action, Server
from services.remote import switch
from services.remote.briefing import briefing_for
from services.servers import validation
from services.servers.report import Briefing, Close, Send
from services.servers.spec import ServerSpec
from services.supervisor.supervisor import Supervisor
from services.supervisor.wanted import Wanted
from services.tls.materials import material_for

logger = logging.getLogger(__name__)

STALE = 60.0  # seconds after which nobody waits for the answer any more
KEEP = timedelta(hours=1)

Spawn = Callable[[Coroutine[Any, Any, None], str], None]
Prune = Callable[[int, int], Awaitable[int]]  # of a server, all but so many messages: how many went


class Actions:
    """Carries actions out, each once, in order for one server."""

    def __init__(self, supervisor: Supervisor, spawn: Spawn, prune: Prune) -> None:
        self._supervisor = supervisor
        self._spawn = spawn
        self._prune = prune
        self._taken: set[int] = set()
        self._order: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # lives while somebody waits

    def take(self, actions: list[Action]) -> None:
        """Begin with every action that has not been taken yet."""
        for action in actions:
            if action.pk not in self._taken:
                self._taken.add(action.pk)
                self._spawn(self._answer(action), f"action {action.pk}")

    async def _answer(self, action: Action) -> None:
        key = -action.server_id if action.verb == Action.Verb.PRUNE else action.server_id  # which may take minutes
        order = self._order.setdefault(key, asyncio.Lock())
        try:
            async with order:
                if not await sync_to_async(_is_waiting)(action):
                    self._taken.discard(action.pk)
                    return
                await self._carry_out(action)
        except SockpanelError as error:
            action.code, action.error = error.code, error.message
            action.problems = getattr(error, "problems", {})
        except Exception as error:  # whoever asked is told, and the supervision of all else goes on
            logger.exception("Action %d on %s failed.", action.pk, action.server)
            action.code, action.error = SockpanelError.code, f"It failed ({error}): look at the supervisor's log."
        try:
            await sync_to_async(_done)(action)
        except Error as error:  # it stays taken: carried out once, though whoever asked gives up waiting
            logger.error("Action %d on %s is done, but could not be marked so: %s", action.pk, action.server, error)
            return
        self._taken.discard(action.pk)
        await hints.ahint("panel", action.server_id)

    async def _carry_out(self, action: Action) -> None:
        if (timezone.now() - action.asked_at).total_seconds() > STALE:
            raise by_code("SP-2201", "It waited too long for the supervisor and was not carried out.")
        if action.verb == Action.Verb.CHANGE:
            await self._change(action)
            return
        if action.verb == Action.Verb.PRUNE:
            action.count = await self._prune(action.server_id, action.words["keep"])
            return
        order = _order(action)
        done = await self._supervisor.send(action.server_id, order)
        action.count = done.count
        if done.error:
            raise by_code(done.code or "SP-2208", done.error)

    async def _change(self, action: Action) -> None:
        """Bind first, save after: a change that cannot be served leaves row and worker as they were."""
        server, fields = action.server, action.words
        spec = validation.build({field: fields[field] for field in configuration.SPEC})
        await self._go_over(action, spec)
        try:
            await sync_to_async(_save)(action)
        except (SockpanelError, Error):
            logger.error("The changed configuration of %s could not be saved: it goes back to the old one.", server)
            await self._go_over(action, configuration.spec_of(server))
            raise

    async def _go_over(self, action: Action, spec: ServerSpec) -> None:
        wanted = await sync_to_async(_wanted)(action, spec)
        await self._supervisor.change(wanted)


def _briefing(server: Server) -> Briefing:
    """Raises RemoteCommandsOff or KeyRefused: then nothing of this kind may run."""
    switch.require()
    return briefing_for(server)


def _save(action: Action) -> None:
    """In the name of whoever asked, who came to another process."""
    with audit.coming_as(action.came):
        operations.save(action.server, action.words, action.asked_by)


def _wanted(action: Action, spec: ServerSpec) -> Wanted:
    """The server with `spec`, newer than its row: a look meanwhile does not undo it.

    Raises RemoteCommandsOff, KeyRefused, CertificateUnknown or CertificateUnusable.
    """
    server = action.server
    return Wanted(
        id=server.pk,
        spec=spec,
        running=True,
        restart=action.words["restart"],
        asked=server.asked,
        asked_by=action.asked_by,
        revision=server.revision + 1,
        briefing=_briefing(server) if spec.kind == "command" else None,
        tls=material_for(spec) if spec.speaks_tls else None,
    )


def _order(action: Action) -> Send | Close:
    words = action.words
    if action.verb == Action.Verb.CLOSE:
        return Close(action=action.pk, connection=words["connection"])
    return Send(
        action=action.pk,
        data=bytes(action.data),
        connection=words.get("connection"),
        peer=words.get("peer"),
        sent_by=action.asked_by,
    )


def _is_waiting(action: Action) -> bool:
    """Whether somebody still waits: it may have been answered, or taken back, since it was read."""
    return Action.objects.filter(pk=action.pk, done_at=None).exists()


def _done(action: Action) -> None:
    """Answer the row; if whoever asked has taken it back, there is nobody to answer. Old answers go."""
    Action.objects.filter(pk=action.pk).update(
        done_at=timezone.now(),
        count=action.count,
        code=action.code,
        error=action.error,
        problems=action.problems,
        data=b"",
    )
    Action.objects.filter(done_at__lt=timezone.now() - KEEP).delete()
