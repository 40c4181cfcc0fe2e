"""A command that waits is run for whoever may run it still, and within its minute."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from services.models import Command
from services.remote import commands
from sockpanel.accounts.models import Token, User

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]

LATE = commands.WAITS + timedelta(seconds=1)


async def asked(*, shell: bool) -> int:
    """What otto has asked for; nobody listens where it would run."""
    words = {"host": "127.0.0.1", "port": 1, "key": "00" * 32, "argv": ["id"], "line": "id"}
    return (await Command.objects.acreate(user="otto", shell=shell, **words)).pk


async def opened(browse: Browse, number: int) -> Any:
    """The command's WebSocket, as otto opens it, who is an operator."""
    otto = await User.objects.acreate(username="otto", role="operator")
    token = await sync_to_async(Token.issue)(otto)
    return await browse(f"/ws/commands/{number}/", authorization=f"Bearer {token}")


async def test_a_free_command_line_is_not_run_for_who_is_no_admin_any_more(
    browse: Browse, transactional_db: None
) -> None:
    number = await asked(shell=True)
    browser = await opened(browse, number)
    assert await browser.closed() == 4403
    assert (await Command.objects.aget()).state == Command.State.WAITING


async def test_an_allowed_one_is_run_for_an_operator(browse: Browse, transactional_db: None) -> None:
    browser = await opened(browse, await asked(shell=False))
    assert (await browser.next("end"))["command"]["code"] not in ("", "SP-5007")  # it was tried


async def test_one_that_waited_for_longer_than_its_minute_is_not_run(browse: Browse, transactional_db: None) -> None:
    number = await asked(shell=False)
    await Command.objects.aupdate(asked_at=timezone.now() - LATE)
    browser = await opened(browse, number)
    assert (await browser.next("end"))["command"]["code"] == "SP-5007"
