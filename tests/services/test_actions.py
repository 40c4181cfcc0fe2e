"""What is asked of a running server is done once, and only while somebody waits for it."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from services.actions import Actions
from services.models import Action, Server
from services.servers.report import Done

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


class StandIn:
    """A supervisor that sends to nobody and remembers."""

    def __init__(self, *failures: Exception) -> None:
        self.orders: list[Any] = []
        self._failures = list(failures)

    async def send(self, server: int, order: Any) -> Done:
        self.orders.append(order)
        if self._failures:
            raise self._failures.pop()
        return Done(action=order.action, count=1)


async def no_prune(server: int, keep: int) -> int:
    raise AssertionError("nobody asked for that")


def ask(**words: Any) -> Action:
    server = Server.objects.create(name="lab", kind="tcp", transport="tcp", host="127.0.0.1")
    action = Action.objects.create(server=server, verb=Action.Verb.SEND, data=b"x", **words)
    return Action.objects.select_related("server").get(pk=action.pk)


async def carried_out(supervisor: StandIn, *actions: Action) -> None:
    async with asyncio.TaskGroup() as tasks:
        carrying = Actions(supervisor, lambda work, name: tasks.create_task(work, name=name) and None, no_prune)
        carrying.take(list(actions))


async def test_an_action_is_answered_in_its_row():
    action, supervisor = await sync_to_async(ask)(), StandIn()
    await carried_out(supervisor, action)
    await action.arefresh_from_db()
    assert (len(supervisor.orders), action.count, action.done_at is not None, action.code) == (1, 1, True, "")


async def test_what_was_taken_back_meanwhile_is_not_sent():
    action, supervisor = await sync_to_async(ask)(), StandIn()
    await Action.objects.all().adelete()
    await carried_out(supervisor, action)
    assert supervisor.orders == []


async def test_what_was_answered_meanwhile_is_not_sent_twice():
    action, supervisor = await sync_to_async(ask)(), StandIn()
    await carried_out(supervisor, action)
    await carried_out(supervisor, action)
    assert len(supervisor.orders) == 1


async def test_an_unforeseen_failure_is_answered_too():
    action = await sync_to_async(ask)()
    await carried_out(StandIn(KeyError("connection")), action)
    await action.arefresh_from_db()
    assert (action.code, "connection" in action.error) == ("SP-1000", True)


async def test_what_is_done_but_cannot_be_marked_so_is_not_done_again(monkeypatch):
    def away(action: Action) -> None:
        raise OperationalError("the control database is away")

    monkeypatch.setattr("services.actions._done", away)
    action, supervisor = await sync_to_async(ask)(), StandIn()
    async with asyncio.TaskGroup() as tasks:
        carrying = Actions(supervisor, lambda work, name: tasks.create_task(work, name=name) and None, no_prune)
        carrying.take([action])
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        carrying.take([action])
    assert len(supervisor.orders) == 1
