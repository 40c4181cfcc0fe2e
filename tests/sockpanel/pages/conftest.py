"""People in front of the pages, a server with a past, and a supervisor that is only a lock."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client

from services import operations
from services.models import Connection, Counters, Message, Server, Status
from services.supervisor.lock import SupervisorLock
from sockpanel.accounts.models import User

AT = 1_800_000_000_000_000  # microseconds since 1970; in 2027


def _browser(name: str, role: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create(username=name, role=role))  # no password: hashing one takes long
    return client


@pytest.fixture
def admin(db: None) -> Client:
    """Ada, signed in."""
    return _browser("ada", "admin")


@pytest.fixture
def operator(db: None) -> Client:
    """Otto, signed in."""
    return _browser("otto", "operator")


@pytest.fixture
def viewer(db: None) -> Client:
    """Vera, signed in."""
    return _browser("vera", "viewer")


@pytest.fixture
def supervised() -> Iterator[None]:
    """As if a supervisor ran."""
    with SupervisorLock(settings.SOCKPANEL_DATA_DIR, settings.SOCKPANEL_NODE):
        yield


@pytest.fixture
def echo(db: None) -> Server:
    """A server named echo, stopped."""
    return operations.create({"preset": "echo"}, "ada")


@pytest.fixture
def recorded(echo: Server) -> Callable[..., Server]:
    """Gives the server messages: recorded(b"one", b"two")."""

    def record(*data: bytes, peer: str = "127.0.0.1:5000") -> Server:
        Message.objects.bulk_create(
            Message(
                server_id=echo.pk,
                seq=seq,
                at=AT + seq,
                run=1,
                connection=1,
                peer=peer,
                direction=(seq + 1) % 2,
                data=part,
                size=len(part),
            )
            for seq, part in enumerate(data, start=1)
        )
        Connection.objects.create(server_id=echo.pk, number=1, run=1, peer=peer, opened_at=AT, last_at=AT + len(data))
        Counters.objects.create(
            server_id=echo.pk,
            last_seq=len(data),
            last_at=AT + len(data),
            received=len(data),
            open_connections=1,
            connections=1,
        )
        return echo

    return record


def stands(server: Server, state: str, reason: str = "", **words: object) -> None:
    """Write where the server stands, as its supervisor would."""
    values = {"state": state, "reason": reason, "since": AT, "asked": server.asked, **words}
    Status.objects.update_or_create(server_id=server.pk, defaults=values)
