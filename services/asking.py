"""Asking the supervisor for something of a running server, and waiting for its answer: rows of `Action`, each with an audit entry.

done = carried_out(server, Action.Verb.SEND, {"connection": 7}, who="ada", wait=10.0, data=b"hello")

It knows no configuration: what a change means is for services.operations.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction

from services import audit, errors, hints
from services.models import Action, Server

LOOK_EVERY = 0.5  # seconds; a hint that got lost costs at most this
# What stands in the audit. A change is recorded by whoever saves it
AUDITED = {Action.Verb.SEND: "send", Action.Verb.CLOSE: "connection.close", Action.Verb.PRUNE: "server.prune"}


def carried_out(
    server: Server, verb: Action.Verb, words: Mapping[str, Any], *, who: str, wait: float, data: bytes = b""
) -> Action:
    """The answered action. Raises what the supervisor says against it, or SupervisorAway."""
    action = _written(Action(server=server, verb=verb, words=dict(words), data=data, asked_by=who))
    hints.hint("supervisor", server.pk)
    hints.hint("panel", server.pk)
    done = async_to_sync(_answered)(action, wait)
    if done is None:
        failure: errors.SockpanelError = errors.SupervisorAway(
            f"The supervisor of node {server.node} did not answer within {wait:.0f} s: try again."
        )
    elif done.code:
        failure = by_code(done.code, done.error, done.problems)
    else:
        return done
    if verb in AUDITED:
        what = f"{_whom(action)}: {failure.message}".removeprefix(": ")
        audit.record(f"{AUDITED[verb]}.failed", who, server=server, what=what, code=failure.code)
    raise failure


def _written(action: Action) -> Action:
    """Asked for and audited, or neither."""
    action.came = audit.came()
    with transaction.atomic():
        action.save(force_insert=True)
        if action.verb in AUDITED:
            verb = AUDITED[Action.Verb(action.verb)]
            audit.record(verb, action.asked_by, server=action.server, what=_whom(action), data=bytes(action.data))
    return action


def _whom(action: Action) -> str:
    words = action.words
    if action.verb == Action.Verb.PRUNE:
        return f"all but the newest {words['keep']}"
    if words.get("connection") is not None:
        return f"connection {words['connection']}"
    return f"peer {words['peer']}" if words.get("peer") else "all peers"


async def _answered(action: Action, wait: float) -> Action | None:
    deadline = time.monotonic() + wait
    async with hints.Listener("panel") as listener:
        while True:
            done = await Action.objects.filter(pk=action.pk).exclude(done_at=None).afirst()
            left = deadline - time.monotonic()
            if done or left <= 0:
                return done or await sync_to_async(_withdraw)(action)
            await listener.wait(min(left, LOOK_EVERY))


def _withdraw(action: Action) -> Action | None:
    """Take an unanswered action back, so that it is not carried out later; it may have been answered just now."""
    Action.objects.filter(pk=action.pk, done_at=None).delete()
    return Action.objects.filter(pk=action.pk).first()


def by_code(code: str, message: str, problems: Mapping[str, str] | None = None) -> errors.SockpanelError:
    """The error that a code in a row stands for."""
    kind = next((kind for kind in _kinds(errors.SockpanelError) if kind.code == code), errors.SockpanelError)
    if issubclass(kind, errors.ConfigurationRefused):
        return kind(message, problems=dict(problems or {}))
    return kind(message)


def _kinds(kind: type[errors.SockpanelError]) -> Iterator[type[errors.SockpanelError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
