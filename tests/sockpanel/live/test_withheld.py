"""The conversation of a remote-command server is withheld from viewers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services.models import Server
from sockpanel.accounts.models import Token, User
from sockpanel.live import room
from tests.sockpanel.recorded import make

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Browse = Callable[..., Awaitable[Any]]


@pytest.fixture
def lab(transactional_db: None) -> Server:
    """A remote-command server that has run something."""
    return make("lab", "command")


async def test_a_viewer_is_refused_the_messages_and_told_the_rest(browse: Browse, lab: Server) -> None:
    browser = await browse("/ws/servers/lab/")
    await browser.say(type="follow", after=0)
    refused = await browser.next("error")
    assert (refused["code"], "for operators" in refused["message"]) == ("SP-1005", True)
    await browser.next("stats")
    assert [frame for frame in browser.frames if frame["type"] == "messages"] == []


async def test_an_operator_follows_them(browse: Browse, lab: Server) -> None:
    otto = await User.objects.acreate(username="otto", role="operator")
    browser = await browse("/ws/servers/lab/", authorization=f"Bearer {await sync_to_async(Token.issue)(otto)}")
    await browser.say(type="follow", after=0)
    assert (await browser.next("messages"))["to"] == 1


async def test_who_follows_a_server_that_becomes_one_is_out(
    browse: Browse, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "CHECK_EVERY", 0.05)
    await sync_to_async(make)("echo", "tcp")
    browser = await browse("/ws/servers/echo/")
    await browser.say(type="follow", after=0)
    await browser.next("messages")
    await Server.objects.aupdate(kind="command")
    assert await browser.closed() == 4403
